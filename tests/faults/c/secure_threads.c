/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many threads, each with sessions over TLS and with AUTH; before them, if asked for, one session
   of the only thread, which makes whatever all sessions share. */
#include <pthread.h>

#include "secure.h"

static const char *server;
static int rounds;

static void *work(void *arg)
{
    int *good = arg, round;

    for (round = 0; round < rounds; round++) {
        smtp_recipient_t recipient;
        smtp_session_t session = new_letter(server, &recipient);
        auth_context_t context = log_in(session, NULL, (char *)"secret");

        require_tls(session, NULL);
        if (goes_out(session, recipient))
            ++*good;
        else
            fprintf(stderr, "smtp_errno %d\n", smtp_errno());
        CHECK(auth_destroy_context(context));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[64];
    int good[64] = {0}, count, i, all = 0, before = 0;

    if (argc < 4)
        return 2;
    server = argv[1];
    count = atoi(argv[2]);
    rounds = 1;
    if (argc > 4 && strcmp(argv[4], "prepared") == 0) {
        work(&before);
        CHECK(before == 1);
    }
    rounds = atoi(argv[3]);
    for (i = 0; i < count && i < 64; i++)
        CHECK(pthread_create(&threads[i], NULL, work, &good[i]) == 0);
    for (i = 0; i < count && i < 64; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        all += good[i];
    }
    printf("%d of %d sessions\n", all, count * rounds);
    return all != count * rounds;
}
