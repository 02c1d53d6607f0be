/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that has never heard of SIGPIPE, and a server that hangs up in the middle of a text. */
#include <signal.h>

#include "blocks.h"
#include "mail.h"

int main(int argc, char **argv)
{
    struct sigaction action;
    struct blocks text = {.count = 1000};
    smtp_recipient_t recipient;
    smtp_session_t session = new_session(argc > 1 ? argv[1] : "", give_blocks, &text, &recipient);

    signal(SIGPIPE, SIG_DFL);
    CHECK(!smtp_start_session(session));
    CHECK(smtp_errno() == SMTP_ERR_DROPPED_CONNECTION);
    CHECK(!smtp_recipient_check_complete(recipient));
    CHECK(text.given < 100);
    CHECK(smtp_destroy_session(session));
    /* Nor was it taught about it. */
    CHECK(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    return 0;
}
