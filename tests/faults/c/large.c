/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message of many gigabytes takes no more memory than one of a few bytes. */
#include "blocks.h"
#include "mail.h"

int main(int argc, char **argv)
{
    smtp_recipient_t recipient;
    smtp_session_t session;
    struct blocks text = {0};
    long before, after;

    if (argc < 3)
        return 2;
    text.count = strtol(argv[2], NULL, 10);
    CHECK(send_letter(argv[1]));
    session = new_session(argv[1], give_blocks, &text, &recipient);
    before = memory("VmHWM:");
    CHECK(smtp_start_session(session));
    CHECK(is_delivered(recipient));
    after = memory("VmHWM:");
    CHECK(smtp_destroy_session(session));
    printf("%ld MiB: %ld kB before, %ld kB after\n", text.count, before, after);
    return after - before > 4096;
}
