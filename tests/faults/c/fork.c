/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that forks between the calls: parent and child each have a session that works. */
#include <sys/wait.h>

#include "mail.h"

static void wait_for(pid_t child)
{
    int status;

    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
    const char *server = argc > 1 ? argv[1] : "";
    int round;

    for (round = 0; round < 20; round++) {
        smtp_recipient_t recipient;
        smtp_session_t session = new_letter(server, &recipient);
        pid_t child = fork();

        CHECK(child >= 0);
        CHECK(smtp_start_session(session));
        CHECK(is_delivered(recipient));
        if (child == 0) {
            CHECK(send_letter(server));
            CHECK(smtp_destroy_session(session));
            _exit(0);
        }
        wait_for(child);
        child = fork();
        CHECK(child >= 0);
        /* What is done stays done in both. */
        CHECK(!smtp_start_session(session) && smtp_errno() == SMTP_ERR_NOTHING_TO_DO);
        CHECK(smtp_destroy_session(session));
        if (child == 0)
            _exit(0);
        wait_for(child);
    }
    return 0;
}
