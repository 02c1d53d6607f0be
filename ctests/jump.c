/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Callbacks that leave by longjmp, as language bindings do. The session can then be destroyed,
 * or started again, and the mail is sent. */
#include <setjmp.h>
#include <stdlib.h>

#include "mail.h"
#include "peer.h"
#include "script.h"

static jmp_buf out;
static int armed;

static void leave(void)
{
    if (armed) {
        armed = 0;
        longjmp(out, 1);
    }
}

static void event(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    if (number == *(int *)arg)
        leave();
}

static void monitor(const char *buf, int buflen, int writing, void *arg)
{
    (void)buflen;
    (void)writing;
    if (strncmp(buf, arg, strlen(arg)) == 0)
        leave();
}

static const char *at_rewind(void **ctx, int *len, void *arg)
{
    if (len == NULL)
        leave();
    return _smtp_message_str_cb(ctx, len, arg);
}

static const char *at_block(void **ctx, int *len, void *arg)
{
    if (len != NULL)
        leave();
    return _smtp_message_str_cb(ctx, len, arg);
}

enum way { DESTROY, RESTART };

/* The recipient's handle outlives the jump in memory that longjmp leaves alone. */
static smtp_recipient_t recipient;

/* Starts a session that is left by a jump. `first` is how the server takes the first connection. */
static void left(const char *first, enum way way, void (*set)(smtp_session_t, smtp_message_t))
{
    static char script[512];
    struct peer *volatile peer;
    volatile smtp_session_t session;
    volatile int jumped = 0;
    smtp_message_t message;

    /* A second connection is offered the same. */
    snprintf(script, sizeof script, way == RESTART ? "%s\n%s\n" : "%s\n", first,
             first[0] == 'A' ? first : "A");
    peer = peer_start(script);
    session = new_session(peer_address(peer));
    message = new_message(session);
    recipient = smtp_add_recipient(message, "to@example.org");
    set(session, message);
    armed = 1;
    if (setjmp(out) == 0) {
        smtp_start_session(session);
        CHECK(!armed);
    } else
        jumped = 1;
    CHECK(jumped);
    CHECK(smtp_recipient_status(recipient) != NULL);
    if (way == RESTART) {
        CHECK_INT(smtp_recipient_check_complete(recipient), 0);
        CHECK_INT(smtp_start_session(session), 1);
        CHECK_INT(smtp_recipient_check_complete(recipient), 1);
        CHECK_INT(smtp_recipient_status(recipient)->code, 250);
    }
    CHECK_INT(smtp_destroy_session(session), 1);
    CHECK(peer_finish(peer));
    if (way == RESTART) {
        CHECK_INT(peer_connections(peer), 2);
        CHECK_INT(peer_messages(peer), 1);
    }
    peer_free(peer);
}

static int which;

static void set_event(smtp_session_t session, smtp_message_t message)
{
    (void)message;
    smtp_set_eventcb(session, event, &which);
}

static void set_greeting_monitor(smtp_session_t session, smtp_message_t message)
{
    static char greeting[] = "220 ";

    (void)message;
    smtp_set_monitorcb(session, monitor, greeting, 1);
}

static void set_header_monitor(smtp_session_t session, smtp_message_t message)
{
    static char header[] = "Subject:";

    (void)message;
    smtp_set_monitorcb(session, monitor, header, 1);
}

static void set_command_monitor(smtp_session_t session, smtp_message_t message)
{
    static char command[] = "MAIL";

    (void)message;
    smtp_set_monitorcb(session, monitor, command, 0);
}

static void set_rewind(smtp_session_t session, smtp_message_t message)
{
    (void)session;
    smtp_set_messagecb(message, at_rewind, letter_text);
}

static void set_block(smtp_session_t session, smtp_message_t message)
{
    (void)session;
    smtp_set_messagecb(message, at_block, letter_text);
}

/* How the server takes the connection that is left: no QUIT, it just ends. */
static const char envelope[] = GREETING OFFERS_NOTHING MAIL_OK(FROM) RCPT_OK(TO) TEXT_BEGINS "W";
static const char greeting[] = "S: 220 peer.example\n"
                               "W";
static const char greeted[] = "S: 220 peer.example\n"
                              "C: EHLO client.example\n"
                              "S: 250 peer.example\n"
                              "W";
static const char addressed[] = GREETING OFFERS_NOTHING MAIL_OK(FROM) "W";
static const char accepted[] = GREETING OFFERS_NOTHING MAIL_OK(FROM) RCPT_OK(TO) "W";

static void both(const char *first, void (*set)(smtp_session_t, smtp_message_t))
{
    left(first, DESTROY, set);
    left(first, RESTART, set);
}

static void from_events(void)
{
    which = SMTP_EV_CONNECT;
    both(greeting, set_event);
    which = SMTP_EV_MAILSTATUS;
    both(addressed, set_event);
    which = SMTP_EV_RCPTSTATUS;
    both(accepted, set_event);
}

static void from_event_in_the_text(void)
{
    which = SMTP_EV_MESSAGEDATA;
    both(envelope, set_event);
}

static void from_the_monitor(void)
{
    both(greeting, set_greeting_monitor);
    both(greeted, set_command_monitor);
    both(envelope, set_header_monitor);
}

static void from_the_source(void)
{
    both(envelope, set_rewind);
    both(envelope, set_block);
}

static void set_binary_rewind(smtp_session_t session, smtp_message_t message)
{
    CHECK(smtp_8bitmime_set_body(message, E8bitmime_BINARYMIME));
    set_rewind(session, message);
}

static void set_binary_block(smtp_session_t session, smtp_message_t message)
{
    CHECK(smtp_8bitmime_set_body(message, E8bitmime_BINARYMIME));
    set_block(session, message);
}

static void from_the_source_of_chunks(void)
{
    both("A: PIPELINING CHUNKING BINARYMIME", set_binary_rewind);
    both("A: PIPELINING CHUNKING BINARYMIME", set_binary_block);
}

/* Once the server has the mail it is settled: the jump takes nothing back. */
static void after_sending(void)
{
    static const int late[] = {SMTP_EV_MESSAGESENT, SMTP_EV_DISCONNECT};
    size_t i;

    for (i = 0; i < sizeof late / sizeof late[0]; i++) {
        struct peer *volatile peer = peer_start("A\n");
        volatile smtp_session_t session = new_session(peer_address(peer));

        which = late[i];
        recipient = smtp_add_recipient(new_message(session), "to@example.org");
        smtp_set_eventcb(session, event, &which);
        armed = 1;
        if (setjmp(out) == 0)
            smtp_start_session(session);
        CHECK(!armed);
        CHECK_INT(smtp_recipient_check_complete(recipient), 1);
        CHECK_INT(smtp_start_session(session), 0);
        CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
        CHECK_INT(smtp_destroy_session(session), 1);
        CHECK(peer_finish(peer));
        CHECK_INT(peer_messages(peer), 1);
        peer_free(peer);
    }
}

static void on_message(smtp_message_t message, void *arg)
{
    (void)message;
    (void)arg;
    leave();
}

static void on_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    (void)recipient;
    (void)mailbox;
    (void)arg;
    leave();
}

static void on_node(smtp_etrn_node_t node, int option, const char *domain, void *arg)
{
    (void)node;
    (void)option;
    (void)domain;
    (void)arg;
    leave();
}

static void from_enumerations(void)
{
    volatile smtp_session_t session = smtp_create_session();
    volatile smtp_message_t message = smtp_add_message(session);
    volatile int jumps = 0;

    smtp_add_recipient(message, "to@example.org");
    smtp_etrn_add_node(session, 0, "example.org");
    armed = 1;
    if (setjmp(out) == 0)
        smtp_enumerate_messages(session, on_message, NULL);
    else
        jumps++;
    armed = 1;
    if (setjmp(out) == 0)
        smtp_enumerate_recipients(message, on_recipient, NULL);
    else
        jumps++;
    armed = 1;
    if (setjmp(out) == 0)
        smtp_etrn_enumerate_nodes(session, on_node, NULL);
    else
        jumps++;
    CHECK_INT(jumps, 3);
    /* Nothing is left locked. */
    CHECK(smtp_add_message(session) != NULL);
    CHECK(smtp_add_recipient(message, "second@example.org") != NULL);
    CHECK(smtp_etrn_add_node(session, 0, "second.example") != NULL);
    CHECK_INT(smtp_enumerate_messages(session, on_message, NULL), 1);
    CHECK_INT(smtp_destroy_session(session), 1);
}

static void *seen = &seen;
static int rewinds;

static const char *keeps_then_leaves(void **ctx, int *len, void *arg)
{
    (void)arg;
    if (len == NULL) {
        seen = *ctx;
        rewinds++;
        return NULL;
    }
    if (*ctx == NULL && rewinds == 1) {
        *ctx = malloc(10);
        leave();
    }
    *len = 0;
    return NULL;
}

/* What a source kept before it jumped is not there when the message is sent anew. */
static void from_a_source_that_keeps_something(void)
{
    struct peer *volatile peer = peer_start("A\nA\n");
    volatile smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = smtp_add_message(session);

    smtp_set_messagecb(message, keeps_then_leaves, NULL);
    smtp_add_recipient(message, "to@example.org");
    armed = 1;
    if (setjmp(out) == 0)
        smtp_start_session(session);
    CHECK(!armed);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(rewinds, 2);
    CHECK(seen == NULL);
    CHECK_INT(smtp_destroy_session(session), 1);
    peer_finish(peer);
    peer_free(peer);
}

static int releases;

static void release(void *data)
{
    (void)data;
    releases++;
    leave();
}

/* What was released before the jump is not released again. */
static void from_a_release(void)
{
    volatile smtp_session_t session = smtp_create_session();
    static int data[2];

    smtp_set_application_data_release(session, &data[0], release);
    armed = 1;
    if (setjmp(out) == 0)
        smtp_set_application_data_release(session, &data[1], NULL);
    CHECK(!armed);
    CHECK_INT(releases, 1);
    CHECK(smtp_get_application_data(session) != &data[0]);
    CHECK_INT(smtp_destroy_session(session), 1);
    CHECK_INT(releases, 1);
}

int main(void)
{
    RUN(from_events);
    RUN(from_event_in_the_text);
    RUN(from_the_monitor);
    RUN(from_the_source);
    RUN(from_a_source_that_keeps_something);
    RUN(from_the_source_of_chunks);
    RUN(after_sending);
    RUN(from_enumerations);
    RUN(from_a_release);
    return check_done("jump");
}
