/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions in several threads at once know nothing of each other. */
#include <pthread.h>

#include <auth-client.h>
#include "mail.h"
#include "peer.h"

enum { THREADS = 4, ROUNDS = 5, MESSAGES = 3 };

/* As little as musl gives to a thread; how much is used, tests/faults/c/stack.c measures. What
 * looks for memory errors needs more. */
#ifdef __SANITIZE_ADDRESS__
enum { STACK = 1024 * 1024 };
#else
enum { STACK = 128 * 1024 };
#endif

struct worker {
    pthread_t thread;
    struct peer *peer;
    int good, error;
};

static const char *source(void **ctx, int *len, void *arg)
{
    return _smtp_message_str_cb(ctx, len, arg);
}

static int one_round(struct worker *worker)
{
    smtp_session_t session = new_session(peer_address(worker->peer));
    smtp_recipient_t recipients[MESSAGES];
    int i, good;

    for (i = 0; i < MESSAGES; i++) {
        smtp_message_t message = new_message(session);

        smtp_set_messagecb(message, source, letter_text);
        recipients[i] = smtp_add_recipient(message, "to@example.org");
    }
    good = smtp_start_session(session);
    for (i = 0; i < MESSAGES; i++)
        good = good && smtp_recipient_status(recipients[i])->code == 250;
    return smtp_destroy_session(session) && good;
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    int round;

    for (round = 0; round < ROUNDS; round++)
        worker->good += one_round(worker);
    worker->error = smtp_errno();
    return NULL;
}

static void at_once(void)
{
    struct worker workers[THREADS];
    pthread_attr_t small;
    int i;

    memset(workers, 0, sizeof workers);
    CHECK_INT(pthread_attr_init(&small), 0);
    CHECK_INT(pthread_attr_setstacksize(&small, STACK), 0);
    for (i = 0; i < THREADS; i++)
        workers[i].peer = peer_start(i % 2 ? "A: PIPELINING\nA: PIPELINING\nA: PIPELINING\n"
                                             "A: PIPELINING\nA: PIPELINING\n"
                                           : "A\nA\nA\nA\nA\n");
    for (i = 0; i < THREADS; i++)
        pthread_create(&workers[i].thread, &small, work, &workers[i]);
    pthread_attr_destroy(&small);
    for (i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK_INT(workers[i].good, ROUNDS);
        CHECK_INT(workers[i].error, 0);
        CHECK(peer_finish(workers[i].peer));
        CHECK_INT(peer_messages(workers[i].peer), ROUNDS * MESSAGES);
        peer_free(workers[i].peer);
    }
}

static void *fail(void *arg)
{
    smtp_session_t session = new_session(peer_address(arg));
    smtp_recipient_t recipient = smtp_add_recipient(new_message(session), "to@example.org");
    int good = smtp_start_session(session) == 0 && smtp_errno() == SMTP_ERR_DROPPED_CONNECTION
               && smtp_recipient_status(recipient)->code == 0;

    smtp_destroy_session(session);
    return good ? arg : NULL;
}

/* One thread's failure is not another's. */
static void errors_apart(void)
{
    struct peer *dropping = peer_start("S: 220 peer.example\nC: EHLO\nX\n");
    struct worker worker;
    pthread_t thread;
    void *result = NULL;

    memset(&worker, 0, sizeof worker);
    worker.peer = peer_start("A\nA\nA\nA\nA\n");
    pthread_create(&worker.thread, NULL, work, &worker);
    pthread_create(&thread, NULL, fail, dropping);
    pthread_join(thread, &result);
    pthread_join(worker.thread, NULL);
    CHECK(result == dropping);
    CHECK_INT(worker.good, ROUNDS);
    CHECK_INT(worker.error, 0);
    CHECK(peer_finish(worker.peer));
    CHECK(peer_finish(dropping));
    peer_free(worker.peer);
    peer_free(dropping);
}

struct handed_over {
    smtp_session_t session;
    int result;
};

static void *start(void *arg)
{
    struct handed_over *handed = arg;

    handed->result = smtp_start_session(handed->session);
    return NULL;
}

/* Made here, started there, started again and destroyed here. */
static void handed_over(void)
{
    struct peer *peer = peer_start("A\nA\n");
    struct handed_over handed = {new_session(peer_address(peer)), 0};
    smtp_recipient_t recipient = smtp_add_recipient(new_message(handed.session), "to@example.org");
    pthread_t thread;

    pthread_create(&thread, NULL, start, &handed);
    pthread_join(thread, NULL);
    CHECK_INT(handed.result, 1);
    CHECK_INT(smtp_recipient_status(recipient)->code, 250);
    smtp_recipient_reset_status(recipient);
    CHECK_INT(smtp_start_session(handed.session), 1);
    CHECK_INT(smtp_destroy_session(handed.session), 1);
    CHECK(peer_finish(peer));
    CHECK_INT(peer_messages(peer), 2);
    peer_free(peer);
}

static auth_context_t shared;

static int nobody(auth_client_request_t request, char **result, int fields, void *arg)
{
    (void)request;
    (void)result;
    (void)fields;
    (void)arg;
    return 0;
}

static void *uses_context(void *arg)
{
    int i;

    (void)arg;
    for (i = 0; i < 500; i++) {
        smtp_session_t session = smtp_create_session();

        CHECK_INT(smtp_auth_set_context(session, shared), 1);
        CHECK_INT(smtp_destroy_session(session), 1);
    }
    return NULL;
}

/* Sessions of several threads have the same context; who is last to let it go frees it. */
static void one_auth_context(void)
{
    enum { USERS = 4 };
    pthread_t users[USERS];
    smtp_session_t last = smtp_create_session();
    int i;

    shared = auth_create_context();
    auth_set_interact_cb(shared, nobody, NULL);
    CHECK_INT(smtp_auth_set_context(last, shared), 1);
    for (i = 0; i < USERS; i++)
        pthread_create(&users[i], NULL, uses_context, NULL);
    for (i = 0; i < USERS; i++)
        pthread_join(users[i], NULL);
    CHECK_INT(auth_client_enabled(shared), 1);
    CHECK_INT(auth_destroy_context(shared), 1);
    CHECK_INT(smtp_destroy_session(last), 1);
}

int main(void)
{
    RUN(one_auth_context);
    RUN(at_once);
    RUN(errors_apart);
    RUN(handed_over);
    return check_done("threads");
}
