/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An SMTP server for one test: a thread that follows a script on a port of 127.0.0.1 that the
 * kernel picks. It knows nothing of the library under test. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peer;

/* The script has one step a line, known by its first letter. A step that needs a connection
 * accepts the next one if there is none.
 *
 *   S: text     send the text and CRLF, in one write; | in it is a CRLF too
 *   C: prefix   read one line, which starts with the prefix
 *   T           read message text up to its final dot
 *   A: words    be an ordinary server that offers these EHLO keywords, until QUIT or the end of
 *               the connection; recipients refused@... get 550, later@... 451
 *   M: number   read this many bytes
 *   E           the client closes: read the end of the connection
 *   W           say nothing and take what comes, until the client closes
 *   Z           say and take nothing until the test is over
 *   D: text     send the text and CRLF slowly, byte by byte, while the client listens
 *   L           the client begins TLS (peer_start_secure)
 *   X           close
 *   R           reset the connection
 */
struct peer *peer_start(const char *script);

/* The same with TLS for the step L. `start` makes a connection secure, NULL if that fails; the
 * others take what it returned. `pending` tells whether there is something to receive already. */
struct peer_security {
    void *(*start)(int socket);
    long (*receive)(void *secured, char *buffer, size_t size);
    long (*send)(void *secured, const char *data, size_t length);
    int (*pending)(const void *secured);
    void (*end)(void *secured);
};

struct peer *peer_start_secure(const char *script, const struct peer_security *security);

/* "127.0.0.1:port", and the port alone. */
const char *peer_address(const struct peer *peer);
int peer_port(const struct peer *peer);

/* Ends the server. The result is 1 if its script ran to its end as written; if not, stderr says
 * what came instead. */
int peer_finish(struct peer *peer);

/* After peer_finish, until peer_free: all that was received, the texts of all messages (dots and
 * line ends as they came), and how many connections and messages there were. NUL-terminated. */
const char *peer_wire(const struct peer *peer);
const char *peer_text(const struct peer *peer);
int peer_connections(const struct peer *peer);
int peer_messages(const struct peer *peer);
void peer_free(struct peer *peer);

#ifdef __cplusplus
}
#endif

#endif
