/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer_tls.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static SSL_CTX *context;
static X509 *certificate;
static char asked_name[256];
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

static void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "peer_tls: %s\n", what);
        exit(99);
    }
}

static X509 *self_signed(EVP_PKEY *key, const char *name)
{
    X509 *made = X509_new();
    X509_NAME *subject = X509_get_subject_name(made);
    char alternative[300];
    X509_EXTENSION *names;

    snprintf(alternative, sizeof alternative, "DNS:%s", name);
    names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
    must(names != NULL, "subjectAltName");
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -60);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made, subject);
    X509_add_ext(made, names, -1);
    X509_EXTENSION_free(names);
    X509_set_pubkey(made, key);
    must(X509_sign(made, key, EVP_sha256()) > 0, "X509_sign");
    return made;
}

static void *start(int socket)
{
    SSL *ssl = SSL_new(context);
    const char *name;

    must(ssl != NULL, "SSL_new");
    SSL_set_fd(ssl, socket);
    if (SSL_accept(ssl) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    pthread_mutex_lock(&asking);
    snprintf(asked_name, sizeof asked_name, "%s", name ? name : "");
    pthread_mutex_unlock(&asking);
    return ssl;
}

static long receive(void *secured, char *buffer, size_t size)
{
    return SSL_read(secured, buffer, (int)size);
}

/* The request leaves before anything is read. */
static void *start_twice(int socket)
{
    SSL *ssl = start(socket);

    if (ssl != NULL)
        must(SSL_renegotiate(ssl) == 1 && SSL_do_handshake(ssl) == 1, "SSL_renegotiate");
    return ssl;
}

static long transmit(void *secured, const char *data, size_t length)
{
    return SSL_write(secured, data, (int)length);
}

static int pending(const void *secured)
{
    return SSL_has_pending(secured);
}

static void end(void *secured)
{
    SSL_shutdown(secured);
    SSL_free(secured);
}

const struct peer_security *peer_tls(const char *name)
{
    static const struct peer_security security = {start, receive, transmit, pending, end};
    EVP_PKEY *key = EVP_EC_gen("P-256");

    must(key != NULL, "EVP_EC_gen");
    certificate = self_signed(key, name);
    context = SSL_CTX_new(TLS_server_method());
    must(context != NULL && SSL_CTX_use_certificate(context, certificate) == 1
             && SSL_CTX_use_PrivateKey(context, key) == 1,
         "SSL_CTX");
    EVP_PKEY_free(key);
    asked_name[0] = '\0';
    return &security;
}

const struct peer_security *peer_tls_renegotiating(const char *name)
{
    static const struct peer_security security = {start_twice, receive, transmit, pending, end};

    peer_tls(name);
    must(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) == 1, "TLS 1.2");
    return &security;
}

X509 *peer_tls_certificate(void)
{
    return certificate;
}

const char *peer_tls_asked_name(void)
{
    return asked_name;
}

void peer_tls_free(void)
{
    SSL_CTX_free(context);
    X509_free(certificate);
    context = NULL;
    certificate = NULL;
}
