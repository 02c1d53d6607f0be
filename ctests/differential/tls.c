/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an application can set and see of TLS.
 *   tls context [CA-FILE]           its own SSL_CTX, which trusts that file (of the certificates'
 * folder) tls client CERTIFICATE-FILE     a client certificate in that context tls ciphers LIST for
 * TLS 1.2 in that context, which then has no later version tls forget                      back to
 * the library's context tls password TEXT | none | NULL a password callback; `none` answers nothing
 *   tls look on                     events print what the SSL handle tells
 */
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static SSL_CTX *context;
static char password[64];
static bool looking;

static int password_callback(char *buffer, int size, int writing, void *arg)
{
    trace("password asked, room %s, writing %d%s", size > 0 ? "yes" : "no", writing,
          arg == callback_argument ? "" : " wrong argument");
    snprintf(buffer, (size_t)size, "%s", password);
    return (int)strlen(password);
}

static const char *file_named(const char *name)
{
    static char path[512];
    const char *folder = getenv("CERTIFICATES");

    snprintf(path, sizeof path, "%s/%s.pem", folder ? folder : ".", name);
    return path;
}

static void new_context(const struct line *line)
{
    SSL_CTX_free(context);
    context = SSL_CTX_new(TLS_client_method());
    if (line->count > 2
        && SSL_CTX_load_verify_locations(context, file_named(text_at(line, 2)), NULL) != 1)
        bad_script("no such certificates", text_at(line, 2));
    trace_result(smtp_starttls_set_ctx(current(SESSION), context));
}

static void set_client(const char *name)
{
    const char *file = file_named(name);

    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, file) != 1
        || SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) != 1)
        bad_script("client certificate", name);
    trace_end();
}

static void set_password(const char *text)
{
    if (text == NULL) {
        trace_result(smtp_starttls_set_password_cb(NULL, NULL));
        return;
    }
    snprintf(password, sizeof password, "%s", strcmp(text, "none") == 0 ? "" : text);
    trace_result(smtp_starttls_set_password_cb(password_callback, callback_argument));
}

/* What programs ask a connection for in their event callbacks. */
void trace_connection(void *handle)
{
    SSL *ssl = handle;
    X509 *certificate;
    char subject[256] = "none";

    if (!looking)
        return;
    certificate = SSL_get1_peer_certificate(ssl);
    if (certificate != NULL)
        X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
    trace_more(" [%s, %s, verify result %ld]", SSL_get_version(ssl), subject,
               SSL_get_verify_result(ssl));
    X509_free(certificate);
}

bool tls_command(const struct line *line)
{
    if (!word_is(line, 0, "tls"))
        return false;
    if (word_is(line, 1, "context")) {
        new_context(line);
    } else if (word_is(line, 1, "client")) {
        set_client(text_at(line, 2));
    } else if (word_is(line, 1, "forget")) {
        trace_result(smtp_starttls_set_ctx(current(SESSION), NULL));
    } else if (word_is(line, 1, "ciphers")) {
        if (SSL_CTX_set_cipher_list(context, text_at(line, 2)) != 1
            || SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) != 1)
            bad_script("ciphers", text_at(line, 2));
        trace_end();
    } else if (word_is(line, 1, "password")) {
        set_password(text_at(line, 2));
    } else if (word_is(line, 1, "look")) {
        looking = true;
        trace_end();
    } else {
        return false;
    }
    return true;
}

void tls_free(void)
{
    SSL_CTX_free(context);
    context = NULL;
}
