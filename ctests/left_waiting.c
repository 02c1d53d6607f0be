/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A signal handler jumps out of the wait for a server: the session can be started again and
 * destroyed. What the jump leaves behind of the connection is lost. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include "mail.h"
#include "peer.h"
#include "script.h"

static sem_t connected;

static void note(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    (void)arg;
    if (number == SMTP_EV_CONNECT)
        sem_post(&connected);
}

static sigjmp_buf back;

static void jump(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static int sleeps(void)
{
    char state = '?';
    char path[64];
    FILE *file;

    /* About the first thread, the one that waits. QEMU makes up what is in /proc/self/stat. */
    snprintf(path, sizeof path, "/proc/self/task/%ld/stat", (long)getpid());
    file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%*d %*s %c", &state) != 1)
            state = '?';
        fclose(file);
    }
    return state == 'S';
}

static void *disturb(void *thread)
{
    int seen = 0;

    sem_wait(&connected);
    /* On a busy machine it sleeps before it comes to where it has to wait, too. */
    while (seen < 100) {
        seen = sleeps() ? seen + 1 : 0;
        usleep(1000);
    }
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static const char *long_text(void **ctx, int *len, void *arg)
{
    enum { LINE = 64, BLOCKS = 6 };
    static char block[1 << 20];
    int *given = arg;
    size_t at;

    (void)ctx;
    if (len == NULL) {
        *given = 0;
        for (at = 0; at < sizeof block; at += LINE) {
            memset(block + at, 'x', LINE - 2);
            memcpy(block + at + LINE - 2, "\r\n", 2);
        }
        memcpy(block, "Subject: x\r\n\r\n", 14);
        return NULL;
    }
    /* More than a connection holds if nobody reads. */
    *len = (*given)++ < BLOCKS ? (int)sizeof block : 0;
    return block;
}

/* A jump out of the wait into which the server's script leads. */
static void left_by_a_jump(const char *script, enum starttls_option tls)
{
    struct peer *silent = peer_start(script), *peer;
    smtp_session_t session = new_session(peer_address(silent));
    smtp_message_t message = new_message(session);
    int given = 0;
    pthread_t self = pthread_self(), thread;
    struct sigaction action = {.sa_handler = jump};

    smtp_add_recipient(message, "to@example.org");
    smtp_set_messagecb(message, long_text, &given);
    smtp_set_eventcb(session, note, NULL);
    smtp_starttls_enable(session, tls);
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, disturb, &self);
    if (sigsetjmp(back, 1) == 0) {
        smtp_start_session(session);
        CHECK(!"the wait is over");
    }
    pthread_join(thread, NULL);
    peer = peer_start("A: PIPELINING\n");
    smtp_set_server(session, peer_address(peer));
    smtp_starttls_enable(session, Starttls_DISABLED);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_destroy_session(session), 1);
    /* Its connection may be there for ever: nobody has it any more. */
    peer_finish(silent);
    CHECK_INT(peer_finish(peer), 1);
    CHECK_INT(peer_messages(peer), 1);
    peer_free(silent);
    peer_free(peer);
    while (sem_trywait(&connected) == 0)
        ;
}

static void left_in_the_greeting(void)
{
    left_by_a_jump("W\n", Starttls_DISABLED);
}

static void left_in_the_handshake(void)
{
    left_by_a_jump(GREETING OFFERS("STARTTLS") "C: STARTTLS\nS: 220 go\nZ\n", Starttls_REQUIRED);
}

static void left_in_a_write(void)
{
    left_by_a_jump(GREETING OFFERS_NOTHING MAIL_OK(FROM) RCPT_OK(TO) TEXT_BEGINS "Z\n",
                   Starttls_DISABLED);
}

int main(void)
{
    sem_init(&connected, 0, 0);
    RUN(left_in_the_greeting);
    RUN(left_in_the_handshake);
    RUN(left_in_a_write);
    return check_done("left_waiting");
}
