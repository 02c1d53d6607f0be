/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Delivery status notifications (RFC 3461): limits, and what a server that offers DSN gets. */
#include "mail.h"
#include "peer.h"
#include "script.h"

static smtp_session_t session;
static smtp_message_t message;
static smtp_recipient_t recipient;

static void prepare(void)
{
    session = smtp_create_session();
    message = smtp_add_message(session);
    recipient = smtp_add_recipient(message, "to@example.org");
}

static const char *filled(char *text, char what, size_t length)
{
    memset(text, what, length);
    text[length] = '\0';
    return text;
}

/* RFC 3461 §4.4: 100 characters, counted as encoded. */
static void envelope_id(void)
{
    char id[128];

    prepare();
    CHECK_INT(smtp_dsn_set_envid(message, "an-id"), 1);
    CHECK_INT(smtp_dsn_set_envid(message, filled(id, 'a', 100)), 1);
    REFUSED(smtp_dsn_set_envid(message, filled(id, 'a', 101)));
    CHECK_INT(smtp_dsn_set_envid(message, filled(id, '+', 33)), 1);
    REFUSED(smtp_dsn_set_envid(message, filled(id, '=', 34)));
    REFUSED(smtp_dsn_set_envid(message, "an-id\r\nRSET"));
    REFUSED(smtp_dsn_set_envid(message, "an\nid"));
    smtp_destroy_session(session);
}

/* RFC 3461 §4.2: 500 characters, counted as encoded. */
static void original_recipient(void)
{
    char text[512];

    prepare();
    CHECK_INT(smtp_dsn_set_orcpt(recipient, "rfc822", "to@example.org"), 1);
    CHECK_INT(smtp_dsn_set_orcpt(recipient, filled(text, 't', 64), "to@example.org"), 1);
    REFUSED(smtp_dsn_set_orcpt(recipient, filled(text, 't', 65), "to@example.org"));
    REFUSED(smtp_dsn_set_orcpt(recipient, "", "to@example.org"));
    REFUSED(smtp_dsn_set_orcpt(recipient, "rfc822\r\n", "to@example.org"));
    REFUSED(smtp_dsn_set_orcpt(recipient, "rfc822", "to@example.org\r\nRSET"));
    REFUSED(smtp_dsn_set_orcpt(recipient, "rfc822", filled(text, 'a', 501)));
    REFUSED(smtp_dsn_set_orcpt(recipient, "rfc822", filled(text, '+', 167)));
    smtp_destroy_session(session);
}

static void notify(void)
{
    int flags;

    prepare();
    CHECK_INT(smtp_dsn_set_notify(recipient, Notify_NEVER), 1);
    for (flags = 0; flags < 8; flags++)
        CHECK_INT(smtp_dsn_set_notify(recipient, (enum notify_flags)flags), 1);
    REFUSED(smtp_dsn_set_notify(recipient, (enum notify_flags)8));
    REFUSED(smtp_dsn_set_notify(recipient, (enum notify_flags) - 2));
    smtp_destroy_session(session);
}

static void returned_content(void)
{
    prepare();
    CHECK_INT(smtp_dsn_set_ret(message, Ret_FULL), 1);
    CHECK_INT(smtp_dsn_set_ret(message, Ret_HDRS), 1);
    CHECK_INT(smtp_dsn_set_ret(message, Ret_NOTSET), 1);
    smtp_destroy_session(session);
}

static void on_the_wire(void)
{
    struct peer *peer = peer_start(
        GREETING OFFERS("DSN") MAIL_OK(" FROM:<from@example.org> RET=HDRS ENVID=id+2B1")
            RCPT_OK(" TO:<to@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+3Db@example.org")
                RCPT_OK(" TO:<other@example.org> NOTIFY=NEVER") TEXT_TAKEN GOODBYE);

    session = new_session(peer_address(peer));
    message = new_message(session);
    recipient = smtp_add_recipient(message, "to@example.org");
    smtp_dsn_set_ret(message, Ret_HDRS);
    smtp_dsn_set_envid(message, "an earlier one");
    smtp_dsn_set_envid(message, "id+1");
    smtp_dsn_set_notify(recipient, (enum notify_flags)(Notify_SUCCESS | Notify_DELAY));
    smtp_dsn_set_orcpt(recipient, "rfc822", "a=b@example.org");
    smtp_dsn_set_notify(smtp_add_recipient(message, "other@example.org"), Notify_NEVER);
    CHECK_INT(smtp_start_session(session), 1);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

int main(void)
{
    RUN(envelope_id);
    RUN(original_recipient);
    RUN(notify);
    RUN(returned_content);
    RUN(on_the_wire);
    return check_done("dsn");
}
