/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many threads, each with sessions over TLS and with AUTH; before them, if asked for, one session
   of the only thread, which makes whatever all sessions share. */
#include <pthread.h>
#include <stdarg.h>

#include <auth-client.h>
#include <openssl/ssl.h>

#include "mail.h"

static const char *server;
static int rounds;

static int interact(auth_client_request_t request, char **result, int fields, void *arg)
{
    int i;

    (void)arg;
    for (i = 0; i < fields; i++)
        result[i] = (char *)(request[i].flags & AUTH_PASS ? "secret" : "user");
    return 1;
}

static void events(smtp_session_t session, int event, void *arg, ...)
{
    va_list arguments;

    (void)session;
    va_start(arguments, arg);
    /* The server's certificate is its own. */
    if (event == SMTP_EV_INVALID_PEER_CERTIFICATE) {
        va_arg(arguments, long);
        *va_arg(arguments, int *) = 1;
    } else if (event == SMTP_EV_WRONG_PEER_CERTIFICATE) {
        *va_arg(arguments, int *) = 1;
    }
    va_end(arguments);
}

static void *work(void *arg)
{
    int *good = arg, round;

    for (round = 0; round < rounds; round++) {
        smtp_recipient_t recipient;
        smtp_session_t session =
            new_session(server, _smtp_message_str_cb, (void *)letter, &recipient);
        auth_context_t context = auth_create_context();

        auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
        auth_set_interact_cb(context, interact, NULL);
        smtp_set_eventcb(session, events, NULL);
        smtp_auth_set_context(session, context);
        smtp_starttls_enable(session, Starttls_REQUIRED);
        if (smtp_start_session(session) && is_delivered(recipient))
            ++*good;
        else
            fprintf(stderr, "smtp_errno %d\n", smtp_errno());
        smtp_destroy_session(session);
        auth_destroy_context(context);
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
