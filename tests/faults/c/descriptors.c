/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that has no descriptor left, and then has one again. */
#include <sys/resource.h>

#include "mail.h"

int main(int argc, char **argv)
{
    smtp_recipient_t recipient;
    smtp_session_t session = new_letter(argc > 1 ? argv[1] : "", &recipient);
    struct rlimit limit;
    int next = dup(0), more;

    CHECK(next >= 0);
    close(next);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (more = 0; more < 6; more++) {
        struct rlimit few = limit;

        few.rlim_cur = (rlim_t)(next + more);
        CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
        if (smtp_start_session(session))
            break;
        CHECK(smtp_errno() == -EMFILE || smtp_errno() > 0);
        CHECK(more > 0 || smtp_errno() == -EMFILE);
        CHECK(!smtp_recipient_check_complete(recipient));
    }
    CHECK(more > 0 && more < 6);
    CHECK(is_delivered(recipient));
    CHECK(smtp_destroy_session(session));
    more = dup(0);
    CHECK(more == next);
    return 0;
}
