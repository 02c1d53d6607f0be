/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that has never heard of SIGPIPE, and a server that hangs up in the middle of a text. */
#include <signal.h>

#include "mail.h"

static int reads;

static const char *source(void **ctx, int *len, void *arg)
{
    static char block[60000];

    (void)ctx;
    (void)arg;
    if (len == NULL) {
        memset(block, '\n', sizeof block);
        return NULL;
    }
    *len = ++reads < 20000 ? (int)sizeof block : 0;
    return block;
}

int main(int argc, char **argv)
{
    struct sigaction action;
    smtp_recipient_t recipient;
    smtp_session_t session = new_session(argc > 1 ? argv[1] : "", source, NULL, &recipient);

    signal(SIGPIPE, SIG_DFL);
    CHECK(!smtp_start_session(session));
    CHECK(smtp_errno() == SMTP_ERR_DROPPED_CONNECTION);
    CHECK(!smtp_recipient_check_complete(recipient));
    CHECK(reads < 2000);
    CHECK(smtp_destroy_session(session));
    /* Nor was it taught about it. */
    CHECK(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    return 0;
}
