/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection that breaks: no SIGPIPE, a prompt end, and no mail that counts as sent. */
#include <errno.h>
#include <string.h>

#include "mail.h"
#include "peer.h"
#include "script.h"

enum { BLOCK = 64 * 1024 };

/* Without an end: only a broken connection stops it. */
static const char *endless(void **ctx, int *len, void *arg)
{
    static char block[BLOCK];
    int i;

    (void)ctx;
    (void)arg;
    if (len == NULL)
        return NULL;
    if (block[0] == '\0')
        for (i = 0; i < BLOCK; i++)
            block[i] = i % 64 == 0 ? '\n' : 'x';
    *len = BLOCK;
    return block;
}

static struct {
    int connected, disconnected;
    int error;
    char text[256];
} told;

/* What a program writes into its log when it is told of the end. */
static void note_the_end(smtp_session_t session, int event, void *arg, ...)
{
    (void)session;
    (void)arg;
    if (event == SMTP_EV_CONNECT)
        told.connected++;
    if (event == SMTP_EV_DISCONNECT) {
        told.disconnected++;
        told.error = smtp_errno();
        smtp_strerror(told.error, told.text, sizeof told.text);
    }
}

/* The program has the default action for SIGPIPE, so that one would end it. */
static void breaks(const char *script, smtp_messagecb_t source, void *arg)
{
    struct peer *peer = peer_start(script);
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");
    char text[256];
    int error;

    memset(&told, 0, sizeof told);
    smtp_set_eventcb(session, note_the_end, NULL);
    smtp_set_messagecb(message, source, arg);
    CHECK_INT(smtp_start_session(session), 0);
    error = smtp_errno();
    CHECK_INT(told.disconnected, told.connected);
    /* A connection that is reset at once may not come about. */
    if (told.connected > 0) {
        CHECK_INT(told.error, error);
        CHECK_TEXT(told.text, smtp_strerror(error, text, sizeof text));
    }
    CHECK(error == SMTP_ERR_DROPPED_CONNECTION || error == -EPIPE || error == -ECONNRESET);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    CHECK(smtp_message_transfer_status(message)->code / 100 != 2);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

#define ENVELOPE \
    GREETING \
    "C: EHLO\n" \
    "S: 250 peer.example\n" MAIL_OK("") RCPT_OK("") TEXT_BEGINS

static void reset_in_the_text(void)
{
    breaks(ENVELOPE "M: 100000\nR\n", endless, NULL);
}

static void closed_in_the_text(void)
{
    breaks(ENVELOPE "M: 100000\nX\n", endless, NULL);
}

static void closed_before_the_last_reply(void)
{
    breaks(ENVELOPE "T\nX\n", _smtp_message_str_cb, letter_text);
}

static void reset_before_the_last_reply(void)
{
    breaks(ENVELOPE "T\nR\n", _smtp_message_str_cb, letter_text);
}

static void half_a_reply(void)
{
    breaks(ENVELOPE "T\nS: 250-taken\nX\n", _smtp_message_str_cb, letter_text);
}

static void closed_in_the_envelope(void)
{
    breaks("S: 220 peer.example\nC: EHLO\nS: 250 peer.example\nC: MAIL\nX\n", endless, NULL);
    breaks("S: 220 peer.example\nC: EHLO\nX\n", endless, NULL);
    breaks("S: 220 peer.example\nR\n", endless, NULL);
    breaks("X\n", endless, NULL);
}

/* Nothing listens there any more. */
static void refused(void)
{
    struct peer *peer = peer_start("");
    smtp_session_t session = new_session(peer_address(peer));

    CHECK(peer_finish(peer));
    smtp_add_recipient(new_message(session), "to@example.org");
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), -ECONNREFUSED);
    smtp_destroy_session(session);
    peer_free(peer);
}

/* A drop at QUIT comes when all is settled. */
static void closed_at_quit(void)
{
    struct peer *peer = peer_start(ENVELOPE "T\nS: 250 taken\nX\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_recipient_t recipient = smtp_add_recipient(new_message(session), "to@example.org");

    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

static const char *failing(void **ctx, int *len, void *arg)
{
    static const char part[] = "Subject: cut off\r\n\r\nhalf";
    int *calls = arg;

    (void)ctx;
    if (len == NULL)
        return NULL;
    if ((*calls)++ == 0) {
        *len = sizeof part - 1;
        return part;
    }
    errno = EIO;
    *len = 0;
    return NULL;
}

/* A source that fails must not end in a message that is cut off and accepted. */
static void failing_source(void)
{
    struct peer *peer = peer_start(ENVELOPE "W\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");
    int calls = 0;

    smtp_set_messagecb(message, failing, &calls);
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), -EIO);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    CHECK_INT(smtp_message_transfer_status(message)->code, 0);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK(strstr(peer_wire(peer), "\r\n.\r\n") == NULL);
    peer_free(peer);
}

int main(void)
{
    RUN(reset_in_the_text);
    RUN(closed_in_the_text);
    RUN(closed_before_the_last_reply);
    RUN(reset_before_the_last_reply);
    RUN(half_a_reply);
    RUN(closed_in_the_envelope);
    RUN(refused);
    RUN(closed_at_quit);
    RUN(failing_source);
    return check_done("broken_connection");
}
