/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS with a server whose certificate is its own, and authentication. */
#ifndef SECURE_H
#define SECURE_H

#include <stdarg.h>

#include <auth-client.h>

#include "mail.h"

/* `arg` counts the handshakes, or is NULL. */
static inline void accept_certificate(smtp_session_t session, int number, void *arg, ...)
{
    va_list arguments;

    (void)session;
    va_start(arguments, arg);
    if (number == SMTP_EV_INVALID_PEER_CERTIFICATE) {
        (void)va_arg(arguments, long);
        *va_arg(arguments, int *) = 1;
    } else if (number == SMTP_EV_WRONG_PEER_CERTIFICATE)
        *va_arg(arguments, int *) = 1;
    else if (number == SMTP_EV_STARTTLS_OK && arg != NULL)
        ++*(int *)arg;
    va_end(arguments);
}

static inline void require_tls(smtp_session_t session, int *handshakes)
{
    CHECK(smtp_starttls_enable(session, Starttls_REQUIRED));
    CHECK(smtp_set_eventcb(session, accept_certificate, handshakes));
}

static inline int answer(auth_client_request_t request, char **result, int fields, void *password)
{
    int i;

    for (i = 0; i < fields; i++)
        result[i] = request[i].flags & AUTH_PASS ? password : (char *)"user";
    return 1;
}

/* By any mechanism if it is NULL. The context outlives the session. */
static inline auth_context_t log_in(smtp_session_t session, const char *mechanism, char *password)
{
    auth_context_t context = auth_create_context();

    CHECK(auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0));
    CHECK(auth_set_interact_cb(context, answer, password));
    CHECK(mechanism == NULL || auth_set_mechanism(context, mechanism));
    CHECK(smtp_auth_set_context(session, context));
    return context;
}

#endif
