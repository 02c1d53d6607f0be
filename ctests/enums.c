/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A number that is no constant of its enum is refused, and what was set before stays. */
#include <limits.h>

#include "mail.h"
#include "peer.h"
#include "script.h"

static const int foreign[] = {-2, 8, 100, 0x10000, INT_MAX, INT_MIN};

/* The constant `last` ends an enum that starts at 0. */
#define REFUSES_FOREIGN(call, type, last) \
    do { \
        size_t index; \
        int number = (last) + 1; \
        REFUSED(call(type, number)); \
        number = -1; \
        REFUSED(call(type, number)); \
        for (index = 0; index < sizeof foreign / sizeof foreign[0]; index++) { \
            number = foreign[index]; \
            REFUSED(call(type, number)); \
        } \
    } while (0)

#define SET_RET(type, n) smtp_dsn_set_ret(message, (type)(n))
#define SET_BODY(type, n) smtp_8bitmime_set_body(message, (type)(n))
#define SET_BY(type, n) smtp_deliverby_set_mode(message, 120, (type)(n), 0)
#define SET_TLS(type, n) smtp_starttls_enable(session, (type)(n))
#define SET_OPTION(type, n) smtp_set_header_option(message, "Subject", (type)(n), 1)

static void refused(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");
    size_t i;

    REFUSES_FOREIGN(SET_RET, enum ret_flags, Ret_HDRS);
    REFUSES_FOREIGN(SET_BODY, enum e8bitmime_body, E8bitmime_BINARYMIME);
    REFUSES_FOREIGN(SET_BY, enum by_mode, By_RETURN);
    REFUSES_FOREIGN(SET_TLS, enum starttls_option, Starttls_REQUIRED);
    REFUSES_FOREIGN(SET_OPTION, enum header_option, Hdr_PROHIBIT);
    for (i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        REFUSED(smtp_dsn_set_notify(recipient, (enum notify_flags)foreign[i]));
    smtp_destroy_session(session);
}

static void nothing_changed(void)
{
    struct peer *peer = peer_start(
        GREETING
        "C: EHLO client.example\nS: 250-peer.example|250-8BITMIME|250-DELIVERBY|250 DSN\n" MAIL_OK(
            " FROM:<from@example.org> RET=FULL BODY=8BITMIME BY=120;R")
            RCPT_OK(" TO:<to@example.org> NOTIFY=FAILURE") TEXT_TAKEN GOODBYE);
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");

    smtp_dsn_set_ret(message, Ret_FULL);
    smtp_dsn_set_ret(message, (enum ret_flags)3);
    smtp_8bitmime_set_body(message, E8bitmime_8BITMIME);
    smtp_8bitmime_set_body(message, (enum e8bitmime_body)4);
    smtp_deliverby_set_mode(message, 120, By_RETURN, 0);
    smtp_deliverby_set_mode(message, 99, (enum by_mode)3, 1);
    smtp_deliverby_set_mode(message, 0, By_RETURN, 1);
    smtp_dsn_set_notify(recipient, Notify_FAILURE);
    smtp_dsn_set_notify(recipient, (enum notify_flags)8);
    smtp_starttls_enable(session, (enum starttls_option)3);
    CHECK_INT(smtp_start_session(session), 1);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

int main(void)
{
    RUN(refused);
    RUN(nothing_changed);
    return check_done("enums");
}
