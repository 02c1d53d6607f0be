/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The test server's connection: bytes, lines and message texts. For peer.c alone. */
#ifndef PEER_IO_H
#define PEER_IO_H

#include <pthread.h>

#include "peer.h"

enum {
    PEER_LINE = 2048,
    /* A client that is silent for so long has gone astray. Valgrind runs one thread at a time: of
     * many clients on a busy machine the last one begins late. */
    PEER_PATIENCE_MS = 50000
};

struct bytes {
    char *data;
    size_t length, room;
};

struct peer {
    int listener, client;
    int stop[2], done[2];
    pthread_t thread;
    int port;
    char address[32];
    const char *script;
    int line, connections, messages;
    int reported;
    const struct peer_security *security;
    void *secured;
    char input[4096];
    size_t next, end;
    struct bytes wire, text;
};

void peer_die(const char *what);
void peer_append(struct bytes *bytes, const char *data, size_t length);

/* Says once what is wrong; the result is 0. */
int peer_complain(struct peer *peer, const char *what, const char *detail);

/* Each of these is 0 if the script can't go on. */
int peer_connected(struct peer *peer);
int peer_secure(struct peer *peer);
int peer_hang_up(struct peer *peer, int reset);
int peer_say(struct peer *peer, const char *text);
int peer_say_slowly(struct peer *peer, const char *text);

/* 0 at the end of the connection, too. The line comes without its CRLF. */
int peer_read_line(struct peer *peer, char line[PEER_LINE]);
int peer_read_text(struct peer *peer);
int peer_read_octets(struct peer *peer, long count, struct bytes *keep);

/* Takes whatever comes until the client closes; `silent` means that nothing may come. */
int peer_read_end(struct peer *peer, int silent);

/* Reads nothing and says nothing until the test is over. */
int peer_sleep(struct peer *peer);

#endif
