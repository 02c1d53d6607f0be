/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Callbacks that call back: for the session that runs, its messages and its recipients. */
#include <stdarg.h>

#include "mail.h"
#include "peer.h"

static smtp_session_t session;
static smtp_message_t message;
static smtp_recipient_t recipient;
static int data;

static void prepare(struct peer *peer)
{
    session = new_session(peer_address(peer));
    message = new_message(session);
    recipient = smtp_add_recipient(message, "to@example.org");
}

static void finish(struct peer *peer, int messages)
{
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK_INT(peer_messages(peer), messages);
    peer_free(peer);
}

/* Adds a message once, in the event that `arg` names. */
static smtp_recipient_t added;

static void adds_message(smtp_session_t session, int number, void *arg, ...)
{
    if (number == *(int *)arg && added == NULL)
        added = smtp_add_recipient(new_message(session), "second@example.org");
}

/* A message added before QUIT is written goes in the same session. */
static void message_in_event(void)
{
    static const int events[] = {SMTP_EV_CONNECT, SMTP_EV_MAILSTATUS, SMTP_EV_RCPTSTATUS,
                                 SMTP_EV_MESSAGEDATA, SMTP_EV_MESSAGESENT};
    size_t i;

    for (i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct peer *peer = peer_start("A\n");
        int which = events[i];

        added = NULL;
        prepare(peer);
        smtp_set_eventcb(session, adds_message, &which);
        CHECK_INT(smtp_start_session(session), 1);
        CHECK(added != NULL);
        CHECK_INT(smtp_recipient_check_complete(recipient), 1);
        CHECK_INT(smtp_recipient_check_complete(added), 1);
        finish(peer, 2);
    }
}

static void adds_recipient(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    if (number == *(int *)arg && added == NULL)
        added = smtp_add_recipient(message, "second@example.org");
}

/* A recipient that comes after the message's RCPT commands stays for the next start. */
static void recipient_in_event(void)
{
    static const int events[] = {SMTP_EV_RCPTSTATUS, SMTP_EV_MESSAGEDATA, SMTP_EV_MESSAGESENT,
                                 SMTP_EV_DISCONNECT};
    size_t i;

    for (i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct peer *peer = peer_start("A: PIPELINING\nA: PIPELINING\n");
        int which = events[i];

        added = NULL;
        prepare(peer);
        smtp_set_eventcb(session, adds_recipient, &which);
        CHECK_INT(smtp_start_session(session), 1);
        CHECK(added != NULL);
        CHECK_INT(smtp_recipient_status(recipient)->code, 250);
        CHECK_INT(smtp_recipient_status(added)->code, 0);
        CHECK_INT(smtp_recipient_check_complete(added), 0);
        CHECK_INT(smtp_start_session(session), 1);
        CHECK_INT(smtp_recipient_check_complete(added), 1);
        finish(peer, 2);
    }
}

static void counts_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    const smtp_status_t *status = smtp_recipient_status(recipient);

    CHECK(mailbox != NULL && status != NULL);
    ++*(int *)arg;
}

static void counts_message(smtp_message_t message, void *arg)
{
    smtp_enumerate_recipients(message, counts_recipient, arg);
}

static int uses;

/* All that a callback may reasonably do, at once. */
static void uses_everything(void)
{
    const smtp_status_t *status = smtp_message_transfer_status(message);
    int recipients = 0;
    char text[32];

    uses++;
    CHECK(status != NULL);
    CHECK(smtp_reverse_path_status(message) != NULL);
    CHECK_INT(smtp_enumerate_messages(session, counts_message, &recipients), 1);
    CHECK(recipients >= 1);
    CHECK(smtp_get_server_name(session) != NULL);
    CHECK(smtp_get_application_data(session) == &data);
    smtp_set_application_data_release(session, &data, NULL);
    smtp_message_set_application_data_release(message, &data, NULL);
    CHECK(smtp_message_get_application_data(message) == &data);
    smtp_recipient_set_application_data_release(recipient, &data, NULL);
    CHECK(smtp_recipient_get_application_data(recipient) == &data);
    CHECK_INT(smtp_option_require_all_recipients(session, 0), 1);
    CHECK_INT(smtp_set_timeout(session, Timeout_DATA2, 700000), 700000);
    CHECK_INT(smtp_size_set_estimate(message, 1000), 1);
    CHECK_INT(smtp_starttls_enable(session, Starttls_DISABLED), 1);
    CHECK(smtp_strerror(smtp_errno(), text, sizeof text) == text);
}

static void using_event(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    (void)number;
    (void)arg;
    uses_everything();
}

static void using_monitor(const char *buf, int buflen, int writing, void *arg)
{
    (void)buf;
    (void)buflen;
    (void)writing;
    (void)arg;
    uses_everything();
}

static const char *using_source(void **ctx, int *len, void *arg)
{
    uses_everything();
    return _smtp_message_str_cb(ctx, len, arg);
}

static void everything(void)
{
    static const char *const servers[] = {"A\n", "A: PIPELINING\n",
                                          "A: PIPELINING CHUNKING BINARYMIME\n"};
    size_t i;

    for (i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        struct peer *peer = peer_start(servers[i]);

        uses = 0;
        prepare(peer);
        smtp_add_recipient(message, "refused@example.org");
        smtp_add_recipient(new_message(session), "to@example.org");
        if (strstr(servers[i], "BINARYMIME"))
            CHECK(smtp_8bitmime_set_body(message, E8bitmime_BINARYMIME));
        smtp_set_application_data_release(session, &data, NULL);
        smtp_set_messagecb(message, using_source, letter_text);
        smtp_set_eventcb(session, using_event, NULL);
        smtp_set_monitorcb(session, using_monitor, NULL, 1);
        CHECK_INT(smtp_start_session(session), 1);
        CHECK(uses > 20);
        CHECK_INT(smtp_recipient_check_complete(recipient), 1);
        finish(peer, 2);
    }
}

static int resets;

static void resetting(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    if (number == *(int *)arg && resets++ == 0) {
        smtp_message_reset_status(message);
        smtp_recipient_reset_status(recipient);
        CHECK_INT(smtp_recipient_status(recipient)->code, 0);
        CHECK_INT(smtp_reverse_path_status(message)->code, 0);
    }
}

/* Statuses reset under the hands of a session: it ends, and nothing is freed that is in use. */
static void reset_in_event(void)
{
    static const int events[] = {SMTP_EV_MAILSTATUS, SMTP_EV_RCPTSTATUS, SMTP_EV_MESSAGEDATA};
    size_t i;

    for (i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct peer *peer = peer_start("A\n");
        int which = events[i];

        resets = 0;
        prepare(peer);
        smtp_set_eventcb(session, resetting, &which);
        CHECK_INT(smtp_start_session(session), 1);
        CHECK(resets > 0);
        finish(peer, 1);
    }
}

/* Reset in MESSAGESENT, the recipient is sent again by the next start. */
static void reset_after_sending(void)
{
    struct peer *peer = peer_start("A\nA\n");
    int which = SMTP_EV_DISCONNECT;

    resets = 0;
    prepare(peer);
    smtp_set_eventcb(session, resetting, &which);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    finish(peer, 2);
}

static int switched;

/* Exchanges the callbacks for others while they run. */
static void switching(smtp_session_t session, int number, void *arg, ...)
{
    (void)number;
    (void)arg;
    switched++;
    smtp_set_eventcb(session, NULL, NULL);
    smtp_set_monitorcb(session, NULL, NULL, 0);
}

static void switches_off(void)
{
    struct peer *peer = peer_start("A\n");

    prepare(peer);
    smtp_set_application_data_release(session, &data, NULL);
    smtp_set_eventcb(session, switching, NULL);
    smtp_set_monitorcb(session, using_monitor, NULL, 0);
    uses = 0;
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(switched, 1);
    CHECK_INT(uses, 0);
    finish(peer, 1);
}

static void adds_while_enumerating(smtp_message_t message, void *arg)
{
    int *calls = arg;

    if (++*calls == 1) {
        smtp_add_message(session);
        smtp_add_recipient(message, "another@example.org");
    }
}

static void adds_recipients(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    int *calls = arg;

    (void)recipient;
    CHECK(strchr(mailbox, '@') != NULL);
    if (++*calls == 1)
        smtp_add_recipient(message, "one-more@example.org");
    CHECK(strchr(mailbox, '@') != NULL);
}

static void adds_nodes(smtp_etrn_node_t node, int option, const char *domain, void *arg)
{
    int *calls = arg;

    (void)node;
    (void)option;
    if (++*calls == 1)
        smtp_etrn_add_node(session, '@', "another.example");
    CHECK(strstr(domain, ".example") != NULL);
}

static void in_enumerations(void)
{
    int calls = 0;

    session = smtp_create_session();
    message = smtp_add_message(session);
    smtp_add_recipient(message, "to@example.org");
    smtp_etrn_add_node(session, 0, "one.example");
    CHECK_INT(smtp_enumerate_messages(session, adds_while_enumerating, &calls), 1);
    CHECK(calls >= 1);
    calls = 0;
    CHECK_INT(smtp_enumerate_recipients(message, adds_recipients, &calls), 1);
    CHECK(calls >= 2);
    calls = 0;
    CHECK_INT(smtp_etrn_enumerate_nodes(session, adds_nodes, &calls), 1);
    CHECK(calls >= 1);
    calls = 0;
    smtp_enumerate_recipients(message, counts_recipient, &calls);
    CHECK_INT(calls, 3);
    smtp_destroy_session(session);
}

/* A start that fails does not make the library forget that it is walking. */
static void starts_then_destroys(smtp_message_t message, void *arg)
{
    (void)message;
    ++*(int *)arg;
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_destroy_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_INVAL);
}

static void no_end_within_a_walk(void)
{
    int calls = 0;

    session = smtp_create_session();
    smtp_add_message(session);
    smtp_add_message(session);
    CHECK_INT(smtp_enumerate_messages(session, starts_then_destroys, &calls), 1);
    CHECK_INT(calls, 2);
    CHECK_INT(smtp_destroy_session(session), 1);
}

static int releases;

static void starts_in_release(void *arg)
{
    (void)arg;
    releases++;
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_INVAL);
    CHECK_INT(smtp_destroy_session(session), 0);
}

/* Nothing begins again while a session is being destroyed. */
static void no_start_within_the_end(void)
{
    session = new_session("127.0.0.1:9");
    message = new_message(session);
    smtp_add_recipient(message, "to@example.org");
    smtp_set_application_data_release(session, &data, starts_in_release);
    CHECK_INT(smtp_destroy_session(session), 1);
    CHECK_INT(releases, 1);
}

static void names_itself(smtp_session_t session, int number, void *arg, ...)
{
    (void)arg;
    if (number == SMTP_EV_CONNECT)
        CHECK(smtp_set_hostname(session, "late.example.org"));
}

/* A name that is set once the connection stands is the one for EHLO. */
static void hostname_in_connect(void)
{
    struct peer *peer = peer_start("A\n");

    prepare(peer);
    smtp_set_eventcb(session, names_itself, NULL);
    CHECK_INT(smtp_start_session(session), 1);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK(strstr(peer_wire(peer), "EHLO late.example.org\r\n") != NULL);
    CHECK(strstr(peer_wire(peer), "localhost") == NULL);
    peer_free(peer);
}

int main(void)
{
    RUN(no_end_within_a_walk);
    RUN(no_start_within_the_end);
    RUN(hostname_in_connect);
    RUN(message_in_event);
    RUN(recipient_in_event);
    RUN(everything);
    RUN(reset_in_event);
    RUN(reset_after_sending);
    RUN(switches_off);
    RUN(in_enumerations);
    return check_done("reentrancy");
}
