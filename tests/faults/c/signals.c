/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host with a signal every millisecond, whose handler makes system calls fail with EINTR. */
#include <signal.h>
#include <sys/time.h>

#include "mail.h"

enum { BLOCK = 50000, BLOCKS = 400 };

static volatile sig_atomic_t signals;

static void count(int number)
{
    (void)number;
    signals++;
}

static const char *source(void **ctx, int *len, void *arg)
{
    static char block[BLOCK];
    static int given;

    (void)ctx;
    (void)arg;
    if (len == NULL) {
        given = 0;
        memset(block, 'x', sizeof block);
        memcpy(block, "Subject: x\r\n\r\n", 14);
        block[BLOCK - 1] = '\n';
        return NULL;
    }
    *len = given++ < BLOCKS ? BLOCK : 0;
    return block;
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
        smtp_session_t session = new_session(argc > 1 ? argv[1] : "", source, NULL, &recipient);

        CHECK(smtp_start_session(session));
        CHECK(is_delivered(recipient));
        CHECK(smtp_destroy_session(session));
    }
    printf("%d signals\n", (int)signals);
    return signals < 10;
}
