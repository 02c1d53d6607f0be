/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What most test programs need to prepare: a session, a letter in it, an error that is known. */
#ifndef MAIL_H
#define MAIL_H

#include <stddef.h>

#include <libesmtp.h>

#include "check.h"

/* Leaves NOTHING_TO_DO as the thread's last error, so that a call that sets none is noticed. */
static inline void forget_error(void)
{
    smtp_session_t session = smtp_create_session();

    smtp_set_server(session, "127.0.0.1:9");
    smtp_start_session(session);
    smtp_destroy_session(session);
}

/* The call fails and says that its argument is to blame. */
#define REFUSED(call) \
    do { \
        forget_error(); \
        CHECK(!(call)); \
        CHECK_INT(smtp_errno(), SMTP_ERR_INVAL); \
    } while (0)

static inline smtp_session_t new_session(const char *server)
{
    smtp_session_t session = smtp_create_session();

    smtp_set_server(session, server);
    /* No name service for the EHLO name. */
    smtp_set_hostname(session, "client.example");
    return session;
}

static char letter_text[] = "Subject: a letter\r\n\r\nHello.\r\n";

static inline smtp_message_t new_message(smtp_session_t session)
{
    smtp_message_t message = smtp_add_message(session);

    smtp_set_reverse_path(message, "from@example.org");
    smtp_set_message_str(message, letter_text);
    return message;
}

/* Callbacks that do nothing. */

static inline void no_event(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    (void)number;
    (void)arg;
}

static inline void no_monitor(const char *text, int length, int writing, void *arg)
{
    (void)text;
    (void)length;
    (void)writing;
    (void)arg;
}

#endif
