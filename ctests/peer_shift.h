/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The test server's side of the security layer of plugin/sasl_x.c: each byte is one more. */
#ifndef PEER_SHIFT_H
#define PEER_SHIFT_H

#include "peer.h"

/* For peer_start_secure; one server at a time. */
const struct peer_security *peer_shift(void);

/* Whether something came through it. */
int peer_shift_used(void);

#endif
