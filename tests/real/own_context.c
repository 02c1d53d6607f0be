/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sends a mail over TLS with an SSL_CTX of its own, to whoever shows whatever certificate: OpenSSL
 * is told that each one is good, and so is the library. Prints what came of it.
 *   own_context SERVER */
#include <stdarg.h>
#include <stdio.h>

#include <openssl/ssl.h>

#include <libesmtp.h>

static int good_callback(int verified, X509_STORE_CTX *store)
{
    (void)verified;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static int good_chain(X509_STORE_CTX *store, void *argument)
{
    (void)argument;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static void on_event(smtp_session_t session, int event, void *argument, ...)
{
    va_list rest;

    (void)session;
    (void)argument;
    va_start(rest, argument);
    if (event == SMTP_EV_INVALID_PEER_CERTIFICATE) {
        printf("invalid %ld\n", va_arg(rest, long));
        *va_arg(rest, int *) = 1;
    } else if (event == SMTP_EV_WRONG_PEER_CERTIFICATE || event == SMTP_EV_NO_PEER_CERTIFICATE) {
        *va_arg(rest, int *) = 1;
    }
    va_end(rest);
}

int main(int argc, char **argv)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    char reason[300];
    int sent;

    if (argc != 2 || context == NULL)
        return 2;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, good_callback);
    SSL_CTX_set_cert_verify_callback(context, good_chain, NULL);
    smtp_set_server(session, argv[1]);
    smtp_starttls_enable(session, Starttls_REQUIRED);
    smtp_starttls_set_ctx(session, context);
    smtp_set_eventcb(session, on_event, NULL);
    smtp_set_reverse_path(message, "sender@example.net");
    smtp_add_recipient(message, "recipient@example.org");
    smtp_set_message_str(message, (void *)"Subject: own context\r\n\r\nIt is mine.\r\n");
    sent = smtp_start_session(session) && smtp_message_transfer_status(message)->code == 250;
    printf("%s: %s\n", sent ? "sent" : "not sent",
           smtp_strerror(smtp_errno(), reason, sizeof reason));
    smtp_destroy_session(session);
    /* The policy's demands were the connection's, not the context's. */
    printf("min %ld\n", SSL_CTX_get_min_proto_version(context));
    SSL_CTX_free(context);
    return !sent;
}
