/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS for the test server, with a certificate that it makes and signs itself. */
#ifndef PEER_TLS_H
#define PEER_TLS_H

#include <openssl/ssl.h>

#include "peer.h"

/* Makes the certificate for a DNS name; one at a time. */
const struct peer_security *peer_tls(const char *name);

/* The same with TLS 1.2, and once the client has shaken hands, it is asked to do so again. */
const struct peer_security *peer_tls_renegotiating(const char *name);

/* What a client has to trust. */
X509 *peer_tls_certificate(void);

/* The name that the last client asked for (RFC 6066 §3), "" if none. */
const char *peer_tls_asked_name(void);

void peer_tls_free(void);

#endif
