/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Destroying or starting the running session from one of its callbacks is refused. */
#include "mail.h"
#include "peer.h"

static smtp_session_t running;
static int attempts;

static void attempt(void)
{
    attempts++;
    REFUSED(smtp_destroy_session(running));
    REFUSED(smtp_start_session(running));
}

static void event(smtp_session_t session, int number, void *arg, ...)
{
    (void)number;
    (void)arg;
    CHECK(session == running);
    attempt();
}

static void monitor(const char *buf, int buflen, int writing, void *arg)
{
    (void)buf;
    (void)buflen;
    (void)writing;
    (void)arg;
    attempt();
}

static const char *source(void **ctx, int *len, void *arg)
{
    attempt();
    return _smtp_message_str_cb(ctx, len, arg);
}

static void on_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    (void)recipient;
    (void)mailbox;
    (void)arg;
    attempt();
}

static void enumerating(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    if (number == SMTP_EV_MESSAGESENT)
        smtp_enumerate_recipients(arg, on_recipient, NULL);
}

static void try_it(int kind)
{
    struct peer *peer = peer_start("A: PIPELINING\n");
    smtp_message_t message;
    smtp_recipient_t recipient;

    attempts = 0;
    running = new_session(peer_address(peer));
    message = new_message(running);
    recipient = smtp_add_recipient(message, "to@example.org");
    if (kind == 0)
        smtp_set_eventcb(running, event, NULL);
    else if (kind == 1)
        smtp_set_monitorcb(running, monitor, NULL, 1);
    else if (kind == 2)
        smtp_set_messagecb(message, source, letter_text);
    else
        smtp_set_eventcb(running, enumerating, message);
    CHECK_INT(smtp_start_session(running), 1);
    CHECK(attempts > 0);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    CHECK_INT(smtp_destroy_session(running), 1);
    CHECK(peer_finish(peer));
    CHECK_INT(peer_messages(peer), 1);
    peer_free(peer);
}

static void from_events(void)
{
    try_it(0);
}

static void from_the_monitor(void)
{
    try_it(1);
}

static void from_the_source(void)
{
    try_it(2);
}

static void from_an_enumeration(void)
{
    try_it(3);
}

static struct peer *other_peer;
static int other_result;

/* Another session is another matter. */
static void runs_another(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    (void)arg;
    if (number == SMTP_EV_MESSAGESENT) {
        smtp_session_t other = new_session(peer_address(other_peer));

        smtp_add_recipient(new_message(other), "other@example.org");
        other_result = smtp_start_session(other);
        CHECK_INT(smtp_destroy_session(other), 1);
    }
}

static void another_session(void)
{
    struct peer *peer = peer_start("A\n");
    smtp_session_t session = new_session(peer_address(peer));

    other_peer = peer_start("A\n");
    smtp_add_recipient(new_message(session), "to@example.org");
    smtp_set_eventcb(session, runs_another, NULL);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(other_result, 1);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK(peer_finish(other_peer));
    CHECK_INT(peer_messages(peer), 1);
    CHECK_INT(peer_messages(other_peer), 1);
    peer_free(peer);
    peer_free(other_peer);
}

int main(void)
{
    RUN(from_events);
    RUN(from_the_monitor);
    RUN(from_the_source);
    RUN(from_an_enumeration);
    RUN(another_session);
    return check_done("running");
}
