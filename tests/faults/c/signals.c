/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host with a signal every millisecond, whose handler makes system calls fail with EINTR. */
#include <signal.h>
#include <sys/time.h>

#include "blocks.h"
#include "mail.h"

static volatile sig_atomic_t signals;

static void count(int number)
{
    (void)number;
    signals++;
}

int main(int argc, char **argv)
{
    struct itimerval every = {{0, 1000}, {0, 1000}};
    struct sigaction action;
    smtp_recipient_t recipient;
    int round;

    memset(&action, 0, sizeof action);
    action.sa_handler = count;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
    for (round = 0; round < 3; round++) {
        struct blocks text = {.count = 20};
        smtp_session_t session =
            new_session(argc > 1 ? argv[1] : "", give_blocks, &text, &recipient);

        CHECK(goes_out(session, recipient));
    }
    printf("%d signals\n", (int)signals);
    return signals < 10;
}
