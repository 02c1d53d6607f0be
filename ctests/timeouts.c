/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server that is silent, or slow on purpose, holds the program no longer than it allowed. */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "mail.h"
#include "peer.h"
#include "script.h"

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void all_timeouts(smtp_session_t session, long value)
{
    int which;

    for (which = Timeout_GREETING; which <= Timeout_DATA2; which++)
        smtp_set_timeout(session, which | Timeout_OVERRIDE_RFC2822_MINIMUM, value);
}

/* The one that matters is a second. With any other the test would take too long, or not fail. */
static void ends(const char *script, int which)
{
    struct peer *peer = peer_start(script);
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");
    double began;

    all_timeouts(session, 100000);
    smtp_set_timeout(session, which | Timeout_OVERRIDE_RFC2822_MINIMUM, 1000);
    began = now();
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), -ETIMEDOUT);
    CHECK(now() - began >= 0.9);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    CHECK_INT(smtp_message_transfer_status(message)->code, 0);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

static void silent_greeting(void)
{
    ends("W\n", Timeout_GREETING);
}

static void silent_last_reply(void)
{
    ends(GREETING OFFERS_NOTHING MAIL_OK(FROM) RCPT_OK(TO) TEXT_BEGINS "T\nW\n", Timeout_DATA2);
}

/* The limit is for the whole reply, not for each byte of it. */
static void dripping_reply(void)
{
    ends(GREETING OFFERS_NOTHING
         "C: MAIL\n"
         "D: 250 a reply that takes its time, letter by letter, to keep the client busy for ever\n",
         Timeout_ENVELOPE);
}

struct start {
    smtp_session_t session;
    int result;
    double seconds;
};

static void *start(void *arg)
{
    struct start *start = arg;
    double began = now();

    start->result = smtp_start_session(start->session);
    start->seconds = now() - began;
    return NULL;
}

/* Nothing depends on the reply to QUIT, so it is waited for 10 s at most. The others are run
 * beside it, since it takes as long as all of them. */
static void silent_end(void (*others)(void))
{
    struct peer *peer =
        peer_start(GREETING OFFERS_NOTHING MAIL_OK(FROM) RCPT_OK(TO) TEXT_TAKEN "C: QUIT\nW\n");
    struct start silent = {.session = new_session(peer_address(peer))};
    smtp_message_t message = new_message(silent.session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");
    pthread_t thread;

    all_timeouts(silent.session, 100000);
    CHECK_INT(pthread_create(&thread, NULL, start, &silent), 0);
    others();
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(silent.result, 1);
    CHECK(silent.seconds >= 9.9);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    CHECK_INT(smtp_message_transfer_status(message)->code, 250);
    smtp_destroy_session(silent.session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

static void others(void)
{
    RUN(silent_greeting);
    RUN(silent_last_reply);
    RUN(dripping_reply);
}

int main(void)
{
    silent_end(others);
    return check_done("timeouts");
}
