/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* STARTTLS with a real handshake: events and their arguments, and OpenSSL shared with the
 * program. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdlib.h>

#include "mail.h"
#include "peer_tls.h"
#include "script.h"

static const char whole_script[] = GREETING OFFERS("STARTTLS") TLS_BEGINS OFFERS_NOTHING MAIL_OK("")
    RCPT_OK("") TEXT_TAKEN GOODBYE;

static const char refused_script[] = GREETING OFFERS("STARTTLS") TLS_BEGINS GOODBYE;

/* What the events told, and what they are answered. */
static struct {
    int invalid, wrong_name, good;
    long verify_result;
    char name_found[64], version[16];
    int bits;
    int accept;
} told;

/* Looks at the connection as programs do. */
static void look_at(SSL *ssl)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);

    CHECK(certificate != NULL);
    X509_free(certificate);
    snprintf(told.version, sizeof told.version, "%s", SSL_get_version(ssl));
    CHECK(SSL_get_current_cipher(ssl) != NULL);
}

static void event(smtp_session_t session, int number, void *arg, ...)
{
    va_list rest;
    int *ok;

    (void)session;
    va_start(rest, arg);
    if (number == SMTP_EV_INVALID_PEER_CERTIFICATE) {
        told.invalid++;
        told.verify_result = va_arg(rest, long);
        ok = va_arg(rest, int *);
        CHECK_INT(*ok, 0);
        *ok = told.accept;
        look_at(va_arg(rest, SSL *));
    } else if (number == SMTP_EV_WRONG_PEER_CERTIFICATE) {
        told.wrong_name++;
        ok = va_arg(rest, int *);
        CHECK_INT(*ok, 0);
        *ok = told.accept;
        snprintf(told.name_found, sizeof told.name_found, "%s", va_arg(rest, char *));
        look_at(va_arg(rest, SSL *));
    } else if (number == SMTP_EV_STARTTLS_OK) {
        SSL *ssl = va_arg(rest, SSL *);
        const char *cipher = va_arg(rest, char *);

        told.good++;
        told.bits = va_arg(rest, int);
        look_at(ssl);
        CHECK_TEXT(cipher, SSL_get_cipher_name(ssl));
    }
    va_end(rest);
}

static smtp_recipient_t recipient;

/* A session with the host name `localhost`, whatever its address. */
static smtp_session_t prepare(struct peer *peer)
{
    char server[32];
    smtp_session_t session;

    snprintf(server, sizeof server, "localhost:%d", peer_port(peer));
    session = new_session(server);
    recipient = smtp_add_recipient(new_message(session), "to@example.org");
    CHECK_INT(smtp_starttls_enable(session, Starttls_REQUIRED), 1);
    memset(&told, 0, sizeof told);
    return session;
}

/* The application's own context, which trusts the server. */
static void trust(smtp_session_t session)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), peer_tls_certificate());
    CHECK_INT(smtp_starttls_set_ctx(session, ctx), 1);
    SSL_CTX_free(ctx);
}

static void finish(smtp_session_t session, struct peer *peer)
{
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
    peer_tls_free();
    CHECK_INT(ERR_peek_error(), 0);
}

static void trusted(void)
{
    struct peer *peer = peer_start_secure(whole_script, peer_tls("localhost"));
    smtp_session_t session = prepare(peer);

    trust(session);
    smtp_set_eventcb(session, event, NULL);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(told.good, 1);
    CHECK_INT(told.invalid, 0);
    CHECK_INT(told.wrong_name, 0);
    CHECK(told.bits >= 128);
    CHECK(strncmp(told.version, "TLSv1.", 6) == 0);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    CHECK_TEXT(peer_tls_asked_name(), "localhost");
    finish(session, peer);
}

/* An old entry in the thread's error queue is no failure of the session. */
static void old_error(void)
{
    struct peer *peer = peer_start_secure(whole_script, peer_tls("localhost"));
    smtp_session_t session = prepare(peer);

    trust(session);
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    ERR_clear_error();
    finish(session, peer);
}

/* Without an event callback nobody can accept it. */
static void untrusted(void)
{
    struct peer *peer = peer_start_secure(refused_script, peer_tls("localhost"));
    smtp_session_t session = prepare(peer);

    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_CLIENT_ERROR);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    finish(session, peer);
}

static void refused_by_callback(void)
{
    struct peer *peer = peer_start_secure(refused_script, peer_tls("localhost"));
    smtp_session_t session = prepare(peer);

    smtp_set_eventcb(session, event, NULL);
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_CLIENT_ERROR);
    CHECK_INT(told.invalid, 1);
    CHECK_INT(told.verify_result, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
    CHECK_INT(told.good, 0);
    finish(session, peer);
}

/* An accepted certificate does not skip the check of its name. */
static void accepted_by_callback(void)
{
    struct peer *peer = peer_start_secure(whole_script, peer_tls("other.example"));
    smtp_session_t session = prepare(peer);

    smtp_set_eventcb(session, event, NULL);
    told.accept = 1;
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(told.invalid, 1);
    CHECK_INT(told.wrong_name, 1);
    CHECK_TEXT(told.name_found, "other.example");
    CHECK_INT(told.good, 1);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    finish(session, peer);
}

static void wrong_name(void)
{
    struct peer *peer = peer_start_secure(refused_script, peer_tls("localhost.example"));
    smtp_session_t session = prepare(peer);

    trust(session);
    smtp_set_eventcb(session, event, NULL);
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_CLIENT_ERROR);
    CHECK_INT(told.invalid, 0);
    CHECK_INT(told.wrong_name, 1);
    CHECK_TEXT(told.name_found, "localhost.example");
    finish(session, peer);
}

/* One session after another, each with the library's own context. */
static void several_sessions(void)
{
    int round;

    for (round = 0; round < 3; round++)
        accepted_by_callback();
}

/* The server closes instead of a handshake. */
static void no_handshake(void)
{
    struct peer *peer = peer_start("S: 220 peer.example\n"
                                   "C: EHLO client.example\n"
                                   "S: 250-peer.example|250 STARTTLS\n"
                                   "C: STARTTLS\n"
                                   "S: 220 go on\n"
                                   "M: 16\n"
                                   "X\n");
    smtp_session_t session = prepare(peer);

    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_CLIENT_ERROR);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    finish(session, peer);
}

/* The server gives up, as OpenSSL's do who are refused. */
static void renegotiation_is_refused(void)
{
    int own_context;

    for (own_context = 0; own_context < 2; own_context++) {
        struct peer *peer = peer_start_secure(GREETING OFFERS("STARTTLS") TLS_BEGINS "W\n",
                                              peer_tls_renegotiating("localhost"));
        smtp_session_t session = prepare(peer);
        int error;

        if (own_context)
            trust(session);
        told.accept = 1;
        smtp_set_eventcb(session, event, NULL);
        CHECK_INT(smtp_start_session(session), 0);
        /* It may say so, or only hang up. */
        error = smtp_errno();
        CHECK(error == SMTP_ERR_CLIENT_ERROR || error == SMTP_ERR_DROPPED_CONNECTION);
        CHECK_INT(told.good, 1);
        CHECK_TEXT(told.version, "TLSv1.2");
        finish(session, peer);
    }
}

int main(void)
{
    /* No configuration of the person who runs the tests. */
    setenv("HOME", "/nonexistent", 1);
    unsetenv("XDG_CONFIG_DIR");
    unsetenv("XDG_CONFIG_HOME");
    RUN(trusted);
    RUN(old_error);
    RUN(untrusted);
    RUN(refused_by_callback);
    RUN(accepted_by_callback);
    RUN(wrong_name);
    RUN(several_sessions);
    RUN(no_handshake);
    RUN(renegotiation_is_refused);
    return check_done("tls");
}
