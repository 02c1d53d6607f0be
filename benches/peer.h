/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another mail library: what peer.c needs of it. Each function ends the program if it fails. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>

/* Connects and says EHLO, or makes everything ready for the first message. */
void peer_begin(const char *host, unsigned short port);
/* Sends a text whose lines end in CRLF and that has a NUL behind it. */
void peer_message(const char *octets, size_t length, const char *const *recipients, size_t count);
/* Says QUIT and closes the connection. */
void peer_end(void);

#endif
