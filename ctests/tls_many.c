/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many TLS sessions with AUTH in one process, one after another and in 32 threads at once: what
 * the sessions share must not wear out, leak or get mixed up. */
#include <auth-client.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#include "mail.h"
#include "peer_tls.h"
#include "script.h"

enum { SESSIONS = 100, THREADS = 32, ROUNDS = 2 };

static const char one_session[] = GREETING OFFERS("STARTTLS")
    TLS_BEGINS OFFERS("AUTH PLAIN") "C: AUTH PLAIN AHVzZXIAc2VjcmV0\n"
                                    "S: 235 welcome\n" MAIL_OK(FROM) RCPT_OK(TO) TEXT_TAKEN GOODBYE;

/* The script for so many connections; the caller frees it. */
static char *repeated(int count)
{
    size_t length = sizeof one_session - 1;
    char *script = malloc(length * (size_t)count + 1);
    int i;

    CHECK(script != NULL);
    for (i = 0; script != NULL && i < count; i++)
        memcpy(script + length * (size_t)i, one_session, length + 1);
    return script;
}

/* What one thread's events told. */
struct told {
    int accepted, good, other_result;
};

/* The library's own context does not know our certificate. */
static void event(smtp_session_t session, int number, void *arg, ...)
{
    struct told *told = arg;
    va_list rest;

    (void)session;
    va_start(rest, arg);
    if (number == SMTP_EV_INVALID_PEER_CERTIFICATE) {
        told->other_result += va_arg(rest, long) != X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
        *va_arg(rest, int *) = 1;
        told->accepted++;
    } else if (number == SMTP_EV_STARTTLS_OK)
        told->good++;
    va_end(rest);
}

static int interact(auth_client_request_t request, char **result, int fields, void *arg)
{
    static char user[] = "user", secret[] = "secret";
    int i;

    (void)arg;
    for (i = 0; i < fields; i++)
        result[i] = request[i].flags & AUTH_PASS ? secret : user;
    return 1;
}

/* One session; the result is 1 if its letter was taken. */
static int one(struct peer *peer, SSL_CTX *ctx, struct told *told)
{
    char server[32];
    smtp_session_t session;
    smtp_recipient_t recipient;
    auth_context_t context = auth_create_context();
    int taken;

    snprintf(server, sizeof server, "localhost:%d", peer_port(peer));
    session = new_session(server);
    recipient = smtp_add_recipient(new_message(session), "to@example.org");
    auth_set_interact_cb(context, interact, NULL);
    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    smtp_auth_set_context(session, context);
    smtp_starttls_enable(session, Starttls_REQUIRED);
    smtp_set_eventcb(session, event, told);
    if (ctx != NULL)
        smtp_starttls_set_ctx(session, ctx);
    taken = smtp_start_session(session) == 1 && smtp_recipient_check_complete(recipient) == 1
            && smtp_recipient_status(recipient)->code == 250;
    smtp_destroy_session(session);
    auth_destroy_context(context);
    return taken;
}

/* The application's own context, which trusts the server. */
static SSL_CTX *trusting(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), peer_tls_certificate());
    return ctx;
}

static void one_after_another(void)
{
    char *script = repeated(SESSIONS);
    struct peer *peer = peer_start_secure(script, peer_tls("localhost"));
    SSL_CTX *ctx = trusting();
    struct told told = {0, 0, 0};
    int i, taken = 0;

    for (i = 0; i < SESSIONS; i++)
        taken += one(peer, i % 2 ? ctx : NULL, &told);
    CHECK_INT(taken, SESSIONS);
    CHECK_INT(told.good, SESSIONS);
    CHECK_INT(told.accepted, SESSIONS / 2);
    CHECK_INT(told.other_result, 0);
    CHECK_INT(ERR_peek_error(), 0);
    CHECK(peer_finish(peer));
    CHECK_INT(peer_messages(peer), SESSIONS);
    peer_free(peer);
    SSL_CTX_free(ctx);
    peer_tls_free();
    free(script);
}

struct worker {
    pthread_t thread;
    struct peer *peer;
    SSL_CTX *ctx;
    struct told told;
    int taken;
    unsigned long left_over;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    int round;

    for (round = 0; round < ROUNDS; round++)
        worker->taken += one(worker->peer, round % 2 ? worker->ctx : NULL, &worker->told);
    worker->left_over = ERR_peek_error();
    return NULL;
}

static void in_threads(void)
{
    static struct worker workers[THREADS];
    char *script = repeated(ROUNDS);
    const struct peer_security *security = peer_tls("localhost");
    SSL_CTX *ctx = trusting();
    int i;

    memset(workers, 0, sizeof workers);
    for (i = 0; i < THREADS; i++) {
        workers[i].peer = peer_start_secure(script, security);
        workers[i].ctx = ctx;
    }
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK_INT(workers[i].taken, ROUNDS);
        CHECK_INT(workers[i].told.good, ROUNDS);
        CHECK_INT(workers[i].told.accepted, ROUNDS / 2);
        CHECK_INT(workers[i].told.other_result, 0);
        CHECK_INT(workers[i].left_over, 0);
        CHECK(peer_finish(workers[i].peer));
        CHECK_INT(peer_messages(workers[i].peer), ROUNDS);
        peer_free(workers[i].peer);
    }
    SSL_CTX_free(ctx);
    peer_tls_free();
    free(script);
}

int main(void)
{
    /* No configuration of the person who runs the tests. */
    setenv("HOME", "/nonexistent", 1);
    unsetenv("XDG_CONFIG_DIR");
    unsetenv("XDG_CONFIG_HOME");
    RUN(one_after_another);
    RUN(in_threads);
    auth_client_exit();
    return check_done("tls_many");
}
