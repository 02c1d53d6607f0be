/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A further session with the same server goes on with the TLS session of the one before, and the
 * program is told and shown the same. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mail.h"
#include "peer_tls.h"
#include "script.h"

static const char one_session[] = GREETING OFFERS("STARTTLS")
    TLS_BEGINS OFFERS_NOTHING MAIL_OK(FROM) RCPT_OK(TO) TEXT_TAKEN GOODBYE;

enum { MOST = 4 };

/* What one session's events told. */
struct told {
    int reused, good;
    char trace[512];
};

static void note(struct told *told, const char *format, ...)
{
    size_t length = strlen(told->trace);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(told->trace + length, sizeof told->trace - length, format, arguments);
    va_end(arguments);
}

static void note_certificate(struct told *told, const SSL *ssl)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    char subject[128] = "none";

    if (certificate)
        X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
    note(told, " %s %d verify %ld", subject, sk_X509_num(SSL_get_peer_cert_chain(ssl)),
         SSL_get_verify_result(ssl));
    X509_free(certificate);
}

static void event(smtp_session_t session, int number, void *arg, ...)
{
    struct told *told = arg;
    va_list rest;

    (void)session;
    note(told, "%d", number);
    va_start(rest, arg);
    if (number == SMTP_EV_STARTTLS_OK) {
        SSL *ssl = va_arg(rest, SSL *);
        const char *cipher = va_arg(rest, const char *);

        told->good++;
        told->reused = SSL_session_reused(ssl);
        note(told, " %s %d", cipher, va_arg(rest, int));
        note_certificate(told, ssl);
    }
    va_end(rest);
    note(told, "\n");
}

/* One session, in a context of the program's if there is one. */
static struct told one(const struct peer *peer, SSL_CTX *context)
{
    struct told told = {0};
    char server[32];
    smtp_session_t session;
    smtp_recipient_t recipient;

    snprintf(server, sizeof server, "localhost:%d", peer_port(peer));
    session = new_session(server);
    recipient = smtp_add_recipient(new_message(session), "to@example.org");
    smtp_set_eventcb(session, event, &told);
    CHECK_INT(smtp_starttls_enable(session, Starttls_REQUIRED), 1);
    if (context)
        CHECK_INT(smtp_starttls_set_ctx(session, context), 1);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    CHECK_INT(told.good, 1);
    smtp_destroy_session(session);
    return told;
}

/* A server for so many connections, which the user's list of authorities knows. */
static struct peer *known_peer(int connections)
{
    /* The server reads it as it goes. */
    static char script[MOST * sizeof one_session];
    static char folder[] = "/tmp/esmtp-resumed-XXXXXX", path[64];
    static int made;
    const struct peer_security *security = peer_tls("localhost");
    FILE *file;
    int i;

    script[0] = '\0';
    for (i = 0; i < connections; i++)
        strcat(script, one_session);
    if (!made++) {
        CHECK(mkdtemp(folder) != NULL);
        setenv("XDG_CONFIG_DIR", folder, 1);
        snprintf(path, sizeof path, "%s/libesmtp", folder);
        CHECK_INT(mkdir(path, 0700), 0);
        strcat(path, "/ca.pem");
    }
    file = fopen(path, "w");
    CHECK(file != NULL && PEM_write_X509(file, peer_tls_certificate()) == 1);
    if (file)
        fclose(file);
    return peer_start_secure(script, security);
}

static void finish(struct peer *peer)
{
    CHECK(peer_finish(peer));
    peer_free(peer);
    peer_tls_free();
    CHECK_INT(ERR_peek_error(), 0);
}

static void the_same_is_told(void)
{
    struct peer *peer = known_peer(3);
    struct told first = one(peer, NULL);
    int i;

    CHECK_INT(first.reused, 0);
    CHECK(strstr(first.trace, "/CN=localhost 1 verify 0\n") != NULL);
    for (i = 0; i < 2; i++) {
        struct told further = one(peer, NULL);

        CHECK_INT(further.reused, 1);
        CHECK_TEXT(further.trace, first.trace);
    }
    finish(peer);
}

static void a_child_does_not_use_its_parents(void)
{
    struct peer *peer = known_peer(3);
    int status = 0;
    pid_t child;

    CHECK_INT(one(peer, NULL).reused, 0);
    fflush(NULL);
    child = fork();
    /* It ends by a signal, so that nobody looks for leaks of the threads that it does not have. */
    if (child == 0)
        raise(one(peer, NULL).reused || check_failures ? SIGTERM : SIGKILL);
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_INT(one(peer, NULL).reused, 1);
    finish(peer);
}

/* Nobody knows what a program does to a context that it can reach. */
static void contexts_of_the_program_are_left_alone(void)
{
    struct peer *peer = known_peer(4);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), peer_tls_certificate());
    CHECK_INT(one(peer, context).reused, 0);
    CHECK_INT(one(peer, context).reused, 0);
    CHECK_INT(one(peer, NULL).reused, 0);
    CHECK_INT(one(peer, context).reused, 0);
    SSL_CTX_free(context);
    finish(peer);
}

/* The list of authorities is another one: what was found with the old one says nothing. */
static void another_list_is_another_verdict(void)
{
    struct peer *peer = known_peer(2);
    char path[96];

    CHECK_INT(one(peer, NULL).reused, 0);
    snprintf(path, sizeof path, "%s/libesmtp/ca.pem", getenv("XDG_CONFIG_DIR"));
    CHECK_INT(chmod(path, 0600), 0);
    CHECK_INT(one(peer, NULL).reused, 0);
    finish(peer);
}

static void clean_up(void)
{
    char path[96];
    const char *folder = getenv("XDG_CONFIG_DIR");

    snprintf(path, sizeof path, "%s/libesmtp/ca.pem", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/libesmtp", folder);
    rmdir(path);
    rmdir(folder);
}

int main(void)
{
    RUN(the_same_is_told);
    RUN(a_child_does_not_use_its_parents);
    RUN(contexts_of_the_program_are_left_alone);
    RUN(another_list_is_another_verdict);
    clean_up();
    return check_done("tls_resumed");
}
