/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NAME=VALUE...: sends what load sends, with another library. Only the source `string` is known. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>

#include "gauge.h"
#include "options.h"
#include "text.h"

static char **make_mailboxes(size_t count)
{
    enum { ROOM = 48 };
    char **mailboxes = must_allocate(count * sizeof *mailboxes);

    for (size_t r = 0; r < count; r++) {
        mailboxes[r] = must_allocate(ROOM);
        snprintf(mailboxes[r], ROOM, "recipient%zu@example.org", r);
    }
    return mailboxes;
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    struct text text = make_text(options.text, options.size);
    char **mailboxes = make_mailboxes(options.recipients);

    for (size_t s = 0; s < options.sessions; s++) {
        gauge_on();
        peer_begin(options.host, (unsigned short)options.port);
        for (size_t m = 0; m < options.messages; m++)
            peer_message(text.octets, text.length, (const char *const *)mailboxes,
                         options.recipients);
        peer_end();
        gauge_off();
    }
    gauge_print();
    for (size_t r = 0; r < options.recipients; r++)
        free(mailboxes[r]);
    free(mailboxes);
    free_text(&text);
    return 0;
}
