/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* STARTTLS settings: whose the SSL_CTX is, and the end of a session that can't have TLS. */
#include <openssl/ssl.h>

#include "mail.h"
#include "peer.h"
#include "script.h"

static int mark, contexts_freed;

/* OpenSSL calls it when the last reference to a context goes. */
static void freed(void *parent, void *data, CRYPTO_EX_DATA *slots, int index, long number,
                  void *arg)
{
    (void)parent;
    (void)data;
    (void)slots;
    (void)index;
    (void)number;
    (void)arg;
    contexts_freed++;
}

static SSL_CTX *new_ctx(void)
{
    return SSL_CTX_new(TLS_client_method());
}

static void enable(void)
{
    smtp_session_t session = smtp_create_session();

    CHECK_INT(smtp_starttls_enable(session, Starttls_DISABLED), 1);
    CHECK_INT(smtp_starttls_enable(session, Starttls_ENABLED), 1);
    CHECK_INT(smtp_starttls_enable(session, Starttls_REQUIRED), 1);
    smtp_destroy_session(session);
}

/* The application drops its reference at once; the session's keeps the context alive. */
static void session_holds_a_reference(void)
{
    smtp_session_t session = smtp_create_session();
    SSL_CTX *ctx = new_ctx();

    contexts_freed = 0;
    CHECK_INT(smtp_starttls_set_ctx(session, ctx), 1);
    SSL_CTX_free(ctx);
    CHECK_INT(contexts_freed, 0);
    CHECK(smtp_starttls_get_ctx(session) == ctx);
    CHECK(smtp_starttls_get_ctx(session) == ctx);
    CHECK_INT(smtp_starttls_set_ctx(session, ctx), 1);
    CHECK_INT(contexts_freed, 0);
    smtp_destroy_session(session);
    CHECK_INT(contexts_freed, 1);
}

/* The application keeps its reference; the session's end does not take it away. */
static void application_holds_a_reference(void)
{
    smtp_session_t one = smtp_create_session(), two = smtp_create_session();
    SSL_CTX *ctx = new_ctx();

    contexts_freed = 0;
    CHECK_INT(smtp_starttls_set_ctx(one, ctx), 1);
    CHECK_INT(smtp_starttls_set_ctx(two, ctx), 1);
    smtp_destroy_session(one);
    smtp_destroy_session(two);
    CHECK_INT(contexts_freed, 0);
    SSL_CTX_free(ctx);
    CHECK_INT(contexts_freed, 1);
}

static void replaced_and_cleared(void)
{
    smtp_session_t session = smtp_create_session();
    SSL_CTX *one = new_ctx(), *two = new_ctx();

    contexts_freed = 0;
    smtp_starttls_set_ctx(session, one);
    SSL_CTX_free(one);
    CHECK_INT(smtp_starttls_set_ctx(session, two), 1);
    CHECK_INT(contexts_freed, 1);
    SSL_CTX_free(two);
    CHECK_INT(smtp_starttls_set_ctx(session, NULL), 1);
    CHECK_INT(contexts_freed, 2);
    CHECK_INT(smtp_starttls_set_ctx(session, NULL), 1);
    smtp_destroy_session(session);
    CHECK_INT(contexts_freed, 2);
}

/* Without one of the application's, each session has its own, made when it is asked for. */
static void made_by_the_library(void)
{
    smtp_session_t session = smtp_create_session(), other = smtp_create_session();
    SSL_CTX *ctx;

    contexts_freed = 0;
    ctx = smtp_starttls_get_ctx(session);
    CHECK(ctx != NULL);
    CHECK(smtp_starttls_get_ctx(session) == ctx);
    CHECK(smtp_starttls_get_ctx(other) != ctx);
    CHECK(SSL_CTX_get_min_proto_version(ctx) >= TLS1_2_VERSION);
    smtp_destroy_session(session);
    smtp_destroy_session(other);
    CHECK_INT(contexts_freed, 2);
}

static int password(char *buf, int buflen, int rwflag, void *arg)
{
    (void)buf;
    (void)buflen;
    (void)rwflag;
    (void)arg;
    return 0;
}

static void password_callback(void)
{
    REFUSED(smtp_starttls_set_password_cb(NULL, NULL));
    CHECK_INT(smtp_starttls_set_password_cb(password, &mark), 1);
    REFUSED(smtp_starttls_set_password_cb(NULL, &mark));
}

static int not_offered;

static void event(smtp_session_t session, int number, void *arg, ...)
{
    (void)session;
    (void)arg;
    not_offered += number == SMTP_EV_EXTNA_STARTTLS;
}

static void required_but_not_offered(void)
{
    struct peer *peer = peer_start(GREETING OFFERS_NOTHING GOODBYE);
    smtp_session_t session = new_session(peer_address(peer));
    smtp_recipient_t recipient = smtp_add_recipient(new_message(session), "to@example.org");

    smtp_set_eventcb(session, event, NULL);
    smtp_starttls_enable(session, Starttls_REQUIRED);
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_EXTENSION_NOT_AVAILABLE);
    CHECK_INT(not_offered, 1);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    CHECK_INT(smtp_recipient_status(recipient)->code, 0);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

/* What comes in clear text behind the reply to STARTTLS is an attack (RFC 3207 §4). */
static void injected_reply(void)
{
    struct peer *peer = peer_start("S: 220 peer.example\n"
                                   "C: EHLO client.example\n"
                                   "S: 250-peer.example\n"
                                   "S: 250 STARTTLS\n"
                                   "C: STARTTLS\n"
                                   "S: 220 go on|250 injected\n"
                                   "W\n");
    smtp_session_t session = new_session(peer_address(peer));

    smtp_add_recipient(new_message(session), "to@example.org");
    smtp_starttls_enable(session, Starttls_ENABLED);
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_INVALID_RESPONSE_SYNTAX);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK(strstr(peer_wire(peer), "MAIL") == NULL);
    peer_free(peer);
}

static void disabled(void)
{
    struct peer *peer = peer_start("A: STARTTLS\n");
    smtp_session_t session = new_session(peer_address(peer));

    smtp_add_recipient(new_message(session), "to@example.org");
    smtp_starttls_enable(session, Starttls_REQUIRED);
    smtp_starttls_enable(session, Starttls_DISABLED);
    CHECK_INT(smtp_start_session(session), 1);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK(strstr(peer_wire(peer), "STARTTLS") == NULL);
    peer_free(peer);
}

int main(void)
{
    SSL_CTX_get_ex_new_index(0, &mark, NULL, NULL, freed);
    RUN(enable);
    RUN(session_holds_a_reference);
    RUN(application_holds_a_reference);
    RUN(replaced_and_cleared);
    RUN(made_by_the_library);
    RUN(password_callback);
    RUN(required_but_not_offered);
    RUN(injected_reply);
    RUN(disabled);
    return check_done("starttls");
}
