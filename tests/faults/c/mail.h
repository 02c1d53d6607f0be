/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the programs here have in common: a session with one message, and checks. */
#ifndef MAIL_H
#define MAIL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libesmtp.h>

#include "memory.h"

/* A failed check ends the program: what follows would mislead. */
#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s (smtp_errno %d)\n", __FILE__, __LINE__, #condition, \
                    smtp_errno()); \
            exit(1); \
        } \
    } while (0)

static const char letter[] = "Subject: letter\r\n\r\nHello.\r\n";

/* A session with one message to one recipient. */
static inline smtp_session_t new_session(const char *server, smtp_messagecb_t source, void *arg,
                                         smtp_recipient_t *recipient)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);

    CHECK(smtp_set_server(session, server));
    CHECK(smtp_set_hostname(session, "client.example"));
    CHECK(smtp_set_reverse_path(message, "from@example.org"));
    CHECK(smtp_set_messagecb(message, source, arg));
    *recipient = smtp_add_recipient(message, "to@example.org");
    CHECK(*recipient != NULL);
    return session;
}

static inline int is_delivered(smtp_recipient_t recipient)
{
    return smtp_recipient_check_complete(recipient)
           && smtp_recipient_status(recipient)->code == 250;
}

static inline smtp_session_t new_letter(const char *server, smtp_recipient_t *recipient)
{
    return new_session(server, _smtp_message_str_cb, (void *)letter, recipient);
}

/* The session is over with it. */
static inline int goes_out(smtp_session_t session, smtp_recipient_t recipient)
{
    int good = smtp_start_session(session) && is_delivered(recipient);

    return smtp_destroy_session(session) && good;
}

static inline int send_letter(const char *server)
{
    smtp_recipient_t recipient;
    smtp_session_t session = new_letter(server, &recipient);

    return goes_out(session, recipient);
}

#endif
