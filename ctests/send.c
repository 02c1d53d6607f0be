/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sending mail over loopback: the dialogue, the callbacks, the statuses and how long they live. */
#include <stdarg.h>

#include "mail.h"
#include "peer.h"
#include "script.h"

static char trace[2048];

static void note(const char *format, ...)
{
    size_t used = strlen(trace);
    va_list rest;

    va_start(rest, format);
    vsnprintf(trace + used, sizeof trace - used, format, rest);
    va_end(rest);
}

static void event(smtp_session_t session, int number, void *arg, ...)
{
    va_list rest;
    const char *path;
    int bytes;

    (void)session;
    CHECK(arg == trace);
    va_start(rest, arg);
    switch (number) {
    case SMTP_EV_CONNECT:
        note("connect\n");
        break;
    case SMTP_EV_MAILSTATUS:
        path = va_arg(rest, char *);
        note("mail %s %d\n", path, smtp_reverse_path_status(va_arg(rest, smtp_message_t))->code);
        break;
    case SMTP_EV_RCPTSTATUS:
        path = va_arg(rest, char *);
        note("rcpt %s %d\n", path, smtp_recipient_status(va_arg(rest, smtp_recipient_t))->code);
        break;
    case SMTP_EV_MESSAGEDATA:
        va_arg(rest, smtp_message_t);
        bytes = va_arg(rest, int);
        note("data %d\n", bytes);
        break;
    case SMTP_EV_MESSAGESENT:
        note("sent %d\n", smtp_message_transfer_status(va_arg(rest, smtp_message_t))->code);
        break;
    case SMTP_EV_DISCONNECT:
        note("disconnect\n");
        break;
    default:
        note("event %d\n", number);
    }
    va_end(rest);
}

static const char whole_script[] = "S: 220 peer.example ESMTP\n"
                                   "C: EHLO client.example\n"
                                   "S: 250-peer.example\n"
                                   "S: 250 ENHANCEDSTATUSCODES\n"
                                   "C: MAIL FROM:<from@example.org>\n"
                                   "S: 250 2.1.0 sender ok\n"
                                   "C: RCPT TO:<one@example.org>\n"
                                   "S: 250-2.1.5 first line|250 2.1.5 second line\n"
                                   "C: RCPT TO:<two@example.org>\n"
                                   "S: 550 5.1.1 no such mailbox\n"
                                   "C: DATA\n"
                                   "S: 354 go on\n"
                                   "T\n"
                                   "S: 250 2.0.0 taken\n"
                                   "C: QUIT\n"
                                   "S: 221 2.0.0 bye\n"
                                   "E\n";

static void whole(void)
{
    static char text[] = "Date: Mon, 02 Jan 2006 15:04:05 +0000\r\n"
                         "From: from@example.org\r\n"
                         "Message-Id: <id@example.org>\r\n"
                         "\r\n"
                         "One\r\n"
                         ".two\r\n";
    struct peer *peer = peer_start(whole_script);
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t one = smtp_add_recipient(message, "one@example.org");
    smtp_recipient_t two = smtp_add_recipient(message, "two@example.org");
    const smtp_status_t *status;

    trace[0] = '\0';
    smtp_set_message_str(message, text);
    smtp_set_eventcb(session, event, trace);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_TEXT(trace, "connect\n"
                      "mail from@example.org 250\n"
                      "rcpt one@example.org 250\n"
                      "rcpt two@example.org 550\n"
                      "data 39\ndata 24\ndata 30\ndata 5\ndata 6\n"
                      "sent 250\n"
                      "disconnect\n");
    status = smtp_reverse_path_status(message);
    CHECK_TEXT(status->text, "sender ok\r\n");
    CHECK_INT(status->enh_class, 2);
    CHECK_INT(status->enh_subject, 1);
    CHECK_INT(status->enh_detail, 0);
    CHECK_TEXT(smtp_recipient_status(one)->text, "first line\r\nsecond line\r\n");
    CHECK_TEXT(smtp_recipient_status(two)->text, "no such mailbox\r\n");
    CHECK_INT(smtp_recipient_status(two)->enh_class, 5);
    CHECK_INT(smtp_recipient_check_complete(one), 1);
    CHECK_INT(smtp_recipient_check_complete(two), 1);
    CHECK_TEXT(smtp_message_transfer_status(message)->text, "taken\r\n");
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK_TEXT(peer_text(peer), "Date: Mon, 02 Jan 2006 15:04:05 +0000\r\n"
                                "From: from@example.org\r\n"
                                "Message-Id: <id@example.org>\r\n"
                                "\r\n"
                                "One\r\n"
                                "..two\r\n");
    peer_free(peer);
}

/* Programs cut the text at its line end, whatever the server said. */
static void cut(const smtp_status_t *status)
{
    size_t length;

    CHECK(status->text != NULL);
    if (status->text == NULL)
        return;
    length = strlen(status->text);
    CHECK(length >= 2);
    if (length < 2)
        return;
    CHECK_TEXT(status->text + length - 2, "\r\n");
    status->text[length - 2] = '\0';
    CHECK_INT(strlen(status->text), length - 2);
}

static void writable_texts(void)
{
    struct peer *peer = peer_start("S: 220 peer.example\n"
                                   "C: EHLO client.example\n"
                                   "S: 250 peer.example\n"
                                   "C: MAIL\n"
                                   "S: 250 \n"
                                   "C: RCPT\n"
                                   "S: 250\n"
                                   "C: RCPT\n"
                                   "S: 250 ok\n"
                                   "C: DATA\n"
                                   "S: 354\n"
                                   "T\n"
                                   "S: 250\n"
                                   "C: QUIT\n"
                                   "S: 221\n"
                                   "E\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t one = smtp_add_recipient(message, "one@example.org");
    smtp_recipient_t two = smtp_add_recipient(message, "two@example.org");

    CHECK_INT(smtp_start_session(session), 1);
    cut(smtp_reverse_path_status(message));
    cut(smtp_recipient_status(one));
    cut(smtp_recipient_status(two));
    cut(smtp_message_transfer_status(message));
    /* Cut or not, resetting and destroying works. */
    smtp_message_reset_status(message);
    smtp_recipient_reset_status(one);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

/* Each start sends what is not complete, and the statuses stay where they are. */
static void again(void)
{
    struct peer *peer = peer_start("A\nA\nA\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t done = smtp_add_recipient(message, "to@example.org");
    smtp_recipient_t later = smtp_add_recipient(message, "later@example.org");
    const smtp_status_t *transfer = smtp_message_transfer_status(message);
    const smtp_status_t *path = smtp_reverse_path_status(message);
    const smtp_status_t *first = smtp_recipient_status(done);
    const smtp_status_t *second = smtp_recipient_status(later);

    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(first->code, 250);
    CHECK_INT(second->code, 451);
    CHECK_INT(transfer->code, 250);
    CHECK_INT(path->code, 250);
    CHECK_INT(smtp_recipient_check_complete(done), 1);
    CHECK_INT(smtp_recipient_check_complete(later), 0);

    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(second->code, 451);
    CHECK_INT(transfer->code, 451);

    smtp_recipient_reset_status(done);
    CHECK_INT(first->code, 0);
    CHECK_INT(smtp_recipient_check_complete(done), 0);
    smtp_message_reset_status(message);
    CHECK_INT(transfer->code, 0);
    CHECK_INT(path->code, 0);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(first->code, 250);
    CHECK_INT(transfer->code, 250);

    CHECK(smtp_message_transfer_status(message) == transfer);
    CHECK(smtp_reverse_path_status(message) == path);
    CHECK(smtp_recipient_status(done) == first);
    CHECK(smtp_recipient_status(later) == second);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK_INT(peer_connections(peer), 3);
    peer_free(peer);
}

/* Nothing is left to do once all is settled; the texts of complete messages may be gone. */
static void complete(void)
{
    struct peer *peer = peer_start("A\nA\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");

    CHECK_INT(smtp_start_session(session), 1);
    smtp_set_message_str(message, (void *)0x10);
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
    smtp_add_recipient(new_message(session), "to@example.org");
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_recipient_status(recipient)->code, 250);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK_INT(peer_messages(peer), 2);
    peer_free(peer);
}

static char shown[4096];
static int bad_pieces, header_lines;

static void monitor(const char *buf, int buflen, int writing, void *arg)
{
    size_t used = strlen(shown);

    bad_pieces += buflen < 1 || buflen > 255 || buf[buflen] != '\0' || arg != shown;
    if (writing == SMTP_CB_HEADERS)
        header_lines++;
    else
        snprintf(shown + used, sizeof shown - used, "%s%s", writing ? "C: " : "S: ", buf);
}

/* One line a call, in pieces that fit small arrays, each a string. */
static void monitored(void)
{
    static const char script[] =
        "S: 220 peer.example ESMTP\n" OFFERS("HELP") MAIL_OK("") RCPT_OK("") TEXT_TAKEN GOODBYE;
    struct peer *peer = peer_start(script);
    smtp_session_t session = new_session(peer_address(peer));

    shown[0] = '\0';
    smtp_add_recipient(new_message(session), "to@example.org");
    smtp_set_monitorcb(session, monitor, shown, 1);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_TEXT(shown, "S: 220 peer.example ESMTP\r\n"
                      "C: EHLO client.example\r\n"
                      "S: 250-peer.example\r\n"
                      "S: 250 HELP\r\n"
                      "C: MAIL FROM:<from@example.org>\r\n"
                      "S: 250 ok\r\n"
                      "C: RCPT TO:<to@example.org>\r\n"
                      "S: 250 ok\r\n"
                      "C: DATA\r\n"
                      "S: 354 go on\r\n"
                      "S: 250 taken\r\n"
                      "C: QUIT\r\n"
                      "S: 221 bye\r\n");
    CHECK_INT(bad_pieces, 0);
    CHECK_INT(header_lines, 4);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

static int fixed_calls;

static void fixed_arity(smtp_session_t session, int number, void *arg)
{
    fixed_calls += session != NULL && number >= 0 && arg == &fixed_calls;
}

/* Some programs cast a function of three arguments to the event type. */
static void without_varargs(void)
{
    struct peer *peer = peer_start("A\n");
    smtp_session_t session = new_session(peer_address(peer));

    smtp_add_recipient(new_message(session), "to@example.org");
    smtp_set_eventcb(session, (smtp_eventcb_t)(void (*)(void))fixed_arity, &fixed_calls);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK(fixed_calls >= 5);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

static int calls, rewinds, kept_ctx;

/* Its first answer means that it has no headers; it never touches *len at an end. */
static const char *headerless(void **ctx, int *len, void *arg)
{
    kept_ctx += *ctx != NULL;
    if (len == NULL) {
        rewinds++;
        calls = 0;
        return NULL;
    }
    if (calls++ != 1)
        return NULL;
    *len = (int)strlen(arg);
    return arg;
}

static void without_headers(void)
{
    static char body[] = "The body\n";
    struct peer *peer = peer_start("A\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);

    smtp_add_recipient(message, "to@example.org");
    smtp_set_messagecb(message, headerless, body);
    smtp_set_header(message, "Subject", "a subject");
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(rewinds, 1);
    CHECK_INT(kept_ctx, 0);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK(strstr(peer_text(peer), "Subject: a subject\r\n\r\nThe body\r\n") != NULL);
    peer_free(peer);
}

int main(void)
{
    RUN(whole);
    RUN(writable_texts);
    RUN(again);
    RUN(complete);
    RUN(monitored);
    RUN(without_varargs);
    RUN(without_headers);
    return check_done("send");
}
