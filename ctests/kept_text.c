/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts that are gone when a message is tried again: what smtp_set_message_str was given is kept.
 */
#include <stdlib.h>

#include "mail.h"
#include "peer.h"

static const char ordinary[] = "A: PIPELINING\n";
static const char busy[] = "S: 220 peer.example\n"
                           "C: EHLO\n"
                           "S: 250 peer.example\n"
                           "C: MAIL\n"
                           "S: 451 4.3.0 later\n"
                           "C: QUIT\n"
                           "S: 221 bye\n";

static char *text_of(const char *subject)
{
    char *text = malloc(256);

    snprintf(text, 256, "Subject: %s\r\n\r\nIt is about %s.\r\n", subject, subject);
    return text;
}

static void send_to(smtp_session_t session, const char *script, int expected, const char *text)
{
    struct peer *peer = peer_start(script);

    smtp_set_server(session, peer_address(peer));
    CHECK_INT(smtp_start_session(session), expected);
    CHECK_INT(peer_finish(peer), 1);
    if (text != NULL)
        CHECK(strstr(peer_text(peer), text) != NULL);
    peer_free(peer);
}

/* As a daemon does that keeps one session and has its text on the stack. */
static void a_text_that_is_gone(void)
{
    smtp_session_t session = new_session("127.0.0.1:9");
    smtp_message_t message = smtp_add_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");
    char *text = text_of("the first alert");

    smtp_set_message_str(message, text);
    send_to(session, busy, 1, NULL);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    free(text);
    text = text_of("the second alert");
    message = smtp_add_message(session);
    smtp_add_recipient(message, "to@example.org");
    smtp_set_message_str(message, text);
    send_to(session, ordinary, 1, "It is about the first alert.");
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    free(text);
    smtp_destroy_session(session);
}

/* Nothing answers at all: the text is kept just the same. A new one replaces it. */
static void nobody_answers(void)
{
    smtp_session_t session = new_session("127.0.0.1:1");
    smtp_message_t message = smtp_add_message(session);
    char *text = text_of("the pump");

    smtp_add_recipient(message, "to@example.org");
    smtp_set_message_str(message, text);
    CHECK_INT(smtp_start_session(session), 0);
    free(text);
    CHECK_INT(smtp_start_session(session), 0);
    text = text_of("the valve");
    smtp_set_message_str(message, text);
    send_to(session, ordinary, 1, "It is about the valve.");
    free(text);
    smtp_destroy_session(session);
}

/* A text of more than 1 MiB stays the program's to keep. */
static void a_long_text(void)
{
    enum { LENGTH = 1 << 20 };
    smtp_session_t session = new_session("127.0.0.1:9");
    smtp_message_t message = smtp_add_message(session);
    char *text = malloc(LENGTH + 2);
    int more;

    memset(text, 'x', LENGTH + 1);
    for (more = 80; more < LENGTH; more += 80)
        text[more] = '\n';
    memcpy(text, "Subject: x\r\n\r\nFirst", 19);
    smtp_add_recipient(message, "to@example.org");
    for (more = 0; more < 2; more++) {
        text[LENGTH + more] = '\0';
        smtp_set_message_str(message, text);
        memcpy(text + 14, "First", 5);
        send_to(session, busy, 1, NULL);
        memcpy(text + 14, "Later", 5);
        send_to(session, busy, 1, NULL);
        send_to(session, ordinary, 1, more ? "\r\nLaterx" : "\r\nFirstx");
        message = smtp_add_message(session);
        smtp_add_recipient(message, "to@example.org");
        text[LENGTH] = 'x';
    }
    free(text);
    smtp_destroy_session(session);
}

int main(void)
{
    RUN(a_text_that_is_gone);
    RUN(nobody_answers);
    RUN(a_long_text);
    return check_done("kept_text");
}
