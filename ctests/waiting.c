/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread that waits for a server is cancelled: the process lives, and the session can be
 * destroyed. */
#include <pthread.h>
#include <semaphore.h>

#include "mail.h"
#include "peer.h"

static sem_t connected;

static void note(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    (void)arg;
    if (number == SMTP_EV_CONNECT)
        sem_post(&connected);
}

static smtp_session_t session_with(struct peer *peer)
{
    smtp_session_t session = new_session(peer_address(peer));

    smtp_add_recipient(new_message(session), "to@example.org");
    smtp_set_eventcb(session, note, NULL);
    return session;
}

static void *start(void *session)
{
    smtp_start_session(session);
    return NULL;
}

static void cancelled(void)
{
    struct peer *peer = peer_start("W\n");
    smtp_session_t session = session_with(peer);
    pthread_t thread;
    void *result = NULL;

    pthread_create(&thread, NULL, start, session);
    sem_wait(&connected);
    CHECK_INT(pthread_cancel(thread), 0);
    CHECK_INT(pthread_join(thread, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
    CHECK_INT(smtp_destroy_session(session), 1);
    CHECK_INT(peer_finish(peer), 1);
    peer_free(peer);
}

/* Cancelled before anything was done, and with cancellation switched off by the program. */
static void *start_cancelled(void *session)
{
    int before;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    pthread_cancel(pthread_self());
    CHECK_INT(smtp_start_session(session), 1);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    CHECK_INT(before, PTHREAD_CANCEL_DISABLE);
    return NULL;
}

static void not_to_be_cancelled(void)
{
    struct peer *peer = peer_start("A: PIPELINING\n");
    smtp_session_t session = session_with(peer);
    pthread_t thread;
    void *result = PTHREAD_CANCELED;

    pthread_create(&thread, NULL, start_cancelled, session);
    CHECK_INT(pthread_join(thread, &result), 0);
    CHECK(result == NULL);
    CHECK_INT(smtp_destroy_session(session), 1);
    CHECK_INT(peer_finish(peer), 1);
    peer_free(peer);
}

int main(void)
{
    sem_init(&connected, 0, 0);
    RUN(cancelled);
    while (sem_trywait(&connected) == 0)
        ;
    RUN(not_to_be_cancelled);
    return check_done("waiting");
}
