/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program with threads that all use one auth context, made once: each thread has a session of
 * its own, and all sessions authenticate at the same time.
 *
 * Its user must see: every mail, each authenticated as the one user, and no crash.
 *
 *   cc one-context.c -o one-context -pthread $(pkg-config --cflags --libs libesmtp-1.0)
 *   ./one-context mail.example.org:587 user password 8 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <auth-client.h>
#include <libesmtp.h>

enum { THREADS_MAX = 64 };

struct account {
    const char *server, *user, *password;
};

static auth_context_t context;
static struct account account;

static int answer(auth_client_request_t request, char **result, int fields, void *arg)
{
    const struct account *who = arg;
    int i;

    for (i = 0; i < fields; i++)
        if (request[i].flags & AUTH_USER)
            result[i] = (char *)who->user;
        else if (request[i].flags & AUTH_PASS)
            result[i] = (char *)who->password;
        else
            result[i] = NULL;
    return 1;
}

static void *send(void *sent)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);

    smtp_set_server(session, account.server);
    smtp_set_hostname(session, "threads.example.net");
    smtp_auth_set_context(session, context);
    smtp_set_reverse_path(message, "me@example.net");
    smtp_add_recipient(message, "you@example.org");
    smtp_set_message_str(message, "Subject: threads\r\n\r\nFrom one of many.\r\n");
    *(int *)sent =
        smtp_start_session(session) && smtp_message_transfer_status(message)->code == 250;
    smtp_destroy_session(session);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    int sent[THREADS_MAX] = {0};
    int count = argc > 4 ? atoi(argv[4]) : 4, all = 0, i;

    if (argc < 4 || count < 1 || count > THREADS_MAX) {
        fputs("usage: one-context HOST:SERVICE USER PASSWORD [THREADS]\n", stderr);
        return 2;
    }
    account = (struct account){argv[1], argv[2], argv[3]};
    auth_client_init();
    context = auth_create_context();
    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    auth_set_interact_cb(context, answer, &account);
    for (i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, send, &sent[i]);
    for (i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        all += sent[i];
    }
    auth_destroy_context(context);
    auth_client_exit();
    printf("%d of %d sent\n", all, count);
    return all != count;
}
