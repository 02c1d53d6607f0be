/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NULL for each pointer argument of each function: refused, and nothing is touched. */
#define LIBESMTP_ENABLE_DEPRECATED_SYMBOLS 1

#include <openssl/ssl.h>

#include <auth-client.h>

#include "mail.h"
#include "peer.h"

/* The same for a function without a result. */
#define REFUSED_VOID(call) \
    do { \
        forget_error(); \
        call; \
        CHECK_INT(smtp_errno(), SMTP_ERR_INVAL); \
    } while (0)

static void on_message(smtp_message_t message, void *arg)
{
    (void)message;
    (void)arg;
}

static void on_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    (void)recipient;
    (void)mailbox;
    (void)arg;
}

static void on_node(smtp_etrn_node_t node, int option, const char *domain, void *arg)
{
    (void)node;
    (void)option;
    (void)domain;
    (void)arg;
}

static int interact(auth_client_request_t request, char **result, int fields, void *arg)
{
    (void)request;
    (void)result;
    (void)fields;
    (void)arg;
    return 0;
}

static void never(void *data)
{
    CHECK(data == NULL);
    CHECK(0);
}

static void no_session(void)
{
    int data = 0;

    REFUSED(smtp_destroy_session(NULL));
    REFUSED(smtp_start_session(NULL));
    REFUSED(smtp_set_server(NULL, "mail.example"));
    REFUSED(smtp_get_server_name(NULL));
    REFUSED(smtp_set_hostname(NULL, "client.example"));
    REFUSED(smtp_set_eventcb(NULL, no_event, NULL));
    REFUSED(smtp_set_monitorcb(NULL, no_monitor, NULL, 0));
    REFUSED(smtp_set_timeout(NULL, Timeout_DATA, 200000));
    REFUSED(smtp_option_require_all_recipients(NULL, 1));
    REFUSED(smtp_add_message(NULL));
    REFUSED(smtp_enumerate_messages(NULL, on_message, NULL));
    REFUSED(smtp_etrn_add_node(NULL, 0, "example.org"));
    REFUSED(smtp_etrn_enumerate_nodes(NULL, on_node, NULL));
    REFUSED(smtp_get_application_data(NULL));
    REFUSED(smtp_set_application_data(NULL, &data));
    REFUSED_VOID(smtp_set_application_data_release(NULL, &data, never));
    REFUSED(smtp_starttls_enable(NULL, Starttls_ENABLED));
    REFUSED(smtp_starttls_set_ctx(NULL, NULL));
    REFUSED(smtp_starttls_get_ctx(NULL));
    REFUSED(smtp_auth_set_context(NULL, NULL));
}

static void no_message(void)
{
    time_t now = 1;
    int data = 0;

    REFUSED(smtp_set_reverse_path(NULL, "from@example.org"));
    REFUSED(smtp_add_recipient(NULL, "to@example.org"));
    REFUSED(smtp_enumerate_recipients(NULL, on_recipient, NULL));
    REFUSED(smtp_set_messagecb(NULL, _smtp_message_str_cb, letter_text));
    REFUSED(smtp_set_message_str(NULL, letter_text));
    REFUSED(smtp_set_message_fp(NULL, stdin));
    REFUSED(smtp_set_header(NULL, "Subject", "text"));
    REFUSED(smtp_set_header(NULL, "To", "phrase", "to@example.org"));
    REFUSED(smtp_set_header(NULL, "Date", &now));
    REFUSED(smtp_set_header_option(NULL, "Subject", Hdr_OVERRIDE, 1));
    REFUSED(smtp_set_resent_headers(NULL, 0));
    REFUSED(smtp_message_transfer_status(NULL));
    REFUSED(smtp_reverse_path_status(NULL));
    REFUSED(smtp_message_reset_status(NULL));
    REFUSED(smtp_dsn_set_ret(NULL, Ret_FULL));
    REFUSED(smtp_dsn_set_envid(NULL, "id"));
    REFUSED(smtp_size_set_estimate(NULL, 1000));
    REFUSED(smtp_8bitmime_set_body(NULL, E8bitmime_8BITMIME));
    REFUSED(smtp_deliverby_set_mode(NULL, 120, By_NOTIFY, 0));
    REFUSED(smtp_message_get_application_data(NULL));
    REFUSED(smtp_message_set_application_data(NULL, &data));
    REFUSED_VOID(smtp_message_set_application_data_release(NULL, &data, never));
}

static void no_recipient_or_node(void)
{
    int data = 0;

    REFUSED(smtp_recipient_status(NULL));
    REFUSED(smtp_recipient_check_complete(NULL));
    REFUSED(smtp_recipient_reset_status(NULL));
    REFUSED(smtp_dsn_set_notify(NULL, Notify_SUCCESS));
    REFUSED(smtp_dsn_set_orcpt(NULL, "rfc822", "to@example.org"));
    REFUSED(smtp_recipient_get_application_data(NULL));
    REFUSED(smtp_recipient_set_application_data(NULL, &data));
    REFUSED_VOID(smtp_recipient_set_application_data_release(NULL, &data, never));
    REFUSED(smtp_etrn_node_status(NULL));
    REFUSED(smtp_etrn_get_application_data(NULL));
    REFUSED(smtp_etrn_set_application_data(NULL, &data));
    REFUSED_VOID(smtp_etrn_set_application_data_release(NULL, &data, never));
}

/* Refused settings leave what was set before. */
static void the_others(void)
{
    struct peer *peer = peer_start("A: DSN\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");

    smtp_dsn_set_envid(message, "id");
    smtp_dsn_set_orcpt(recipient, "rfc822", "other@example.org");
    REFUSED(smtp_set_server(session, NULL));
    CHECK_TEXT(smtp_get_server_name(session), "127.0.0.1");
    REFUSED(smtp_enumerate_messages(session, NULL, NULL));
    REFUSED(smtp_enumerate_recipients(message, NULL, NULL));
    REFUSED(smtp_etrn_enumerate_nodes(session, NULL, NULL));
    REFUSED(smtp_add_recipient(message, NULL));
    REFUSED(smtp_set_messagecb(message, NULL, NULL));
    REFUSED(smtp_set_header(message, NULL, "text"));
    REFUSED(smtp_set_header_option(message, NULL, Hdr_OVERRIDE, 1));
    REFUSED(smtp_dsn_set_envid(message, NULL));
    REFUSED(smtp_dsn_set_orcpt(recipient, NULL, "to@example.org"));
    REFUSED(smtp_dsn_set_orcpt(recipient, "rfc822", NULL));
    REFUSED(smtp_etrn_add_node(session, 0, NULL));
    REFUSED(smtp_starttls_set_password_cb(NULL, NULL));
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_recipient_status(recipient)->code, 250);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK(strstr(peer_wire(peer), "MAIL FROM:<from@example.org> ENVID=id\r\n"
                                  "RCPT TO:<to@example.org> ORCPT=rfc822;other@example.org\r\n"
                                  "DATA\r\n")
          != NULL);
    peer_free(peer);
}

static void ready_made_callbacks(void)
{
    void *ctx = NULL;
    int length = 7;

    REFUSED(_smtp_message_str_cb(NULL, &length, letter_text));
    REFUSED(_smtp_message_fp_cb(NULL, &length, stdin));
    REFUSED(_smtp_message_str_cb(&ctx, &length, NULL));
    REFUSED(_smtp_message_fp_cb(&ctx, &length, NULL));
    REFUSED(_smtp_message_str_cb(&ctx, NULL, NULL));
    REFUSED(_smtp_message_fp_cb(&ctx, NULL, NULL));
    CHECK(ctx == NULL);
}

static void no_auth_context(void)
{
    auth_context_t context = auth_create_context();
    char *text = NULL;
    int length = 7;

    REFUSED(auth_destroy_context(NULL));
    REFUSED(auth_set_mechanism_flags(NULL, AUTH_PLUGIN_PLAIN, 0));
    REFUSED(auth_set_mechanism_ssf(NULL, 0));
    REFUSED(auth_set_interact_cb(NULL, interact, NULL));
    REFUSED(auth_client_enabled(NULL));
    REFUSED(auth_set_mechanism(NULL, "PLAIN"));
    REFUSED(auth_set_mechanism(context, NULL));
    REFUSED(auth_mechanism_name(NULL));
    REFUSED(auth_response(NULL, NULL, &length));
    REFUSED(auth_response(context, NULL, NULL));
    REFUSED(auth_get_ssf(NULL) != -1);
    REFUSED(auth_set_external_id(NULL, "id"));
    REFUSED_VOID(auth_encode(&text, &length, "text", 4, NULL));
    REFUSED_VOID(auth_decode(&text, &length, "text", 4, NULL));
    REFUSED_VOID(auth_encode(NULL, &length, "text", 4, context));
    REFUSED_VOID(auth_encode(&text, NULL, "text", 4, context));
    REFUSED_VOID(auth_encode(&text, &length, NULL, 4, context));
    REFUSED_VOID(auth_decode(NULL, &length, "text", 4, context));
    REFUSED_VOID(auth_decode(&text, NULL, "text", 4, context));
    REFUSED_VOID(auth_decode(&text, &length, NULL, 4, context));
    CHECK(text == NULL);
    auth_destroy_context(context);
}

int main(void)
{
    RUN(no_session);
    RUN(no_message);
    RUN(no_recipient_or_node);
    RUN(the_others);
    RUN(ready_made_callbacks);
    RUN(no_auth_context);
    return check_done("null_arguments");
}
