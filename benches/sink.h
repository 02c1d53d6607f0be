/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the sink: a connection that can delay its answers, and the dialogue over it. */
#ifndef SINK_H
#define SINK_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/* What the server offers. */
struct offer {
    bool pipelining, chunking, binarymime, eightbitmime, size, enhanced;
    SSL_CTX *tls; /* NULL: no STARTTLS */
    long long delay_ns;
    size_t text; /* octets behind a reply's code */
};

/* Answers that are on their way to the client. */
struct flight {
    struct flight *next;
    long long due_ns;
    unsigned long long turn;
    size_t length;
    char octets[];
};

struct wire {
    int socket;
    SSL *tls;
    long long delay_ns;
    /* Answers to what was read last. */
    char *answers;
    size_t length, room;
    long long arrived_ns;
    struct flight *first, **last;
    /* The client may know the answers of all turns before this one. What it sends now
     * belongs to this turn; as many round trips were made. */
    unsigned long long turn;
    unsigned long long octets, reads, records;
};

void wire_open(struct wire *wire, int socket, long long delay_ns);
void wire_close(struct wire *wire);
/* Sends what is due, then waits for the client. 0: it is gone. */
size_t wire_read(struct wire *wire, char *buffer, size_t room);
/* Adds to the answers to what was read last. */
void wire_say(struct wire *wire, const char *answer);
/* Waits until all that was said is sent. */
bool wire_drain(struct wire *wire);
bool wire_secure(struct wire *wire, SSL_CTX *context);

enum state { STATE_COMMAND, STATE_TEXT, STATE_CHUNK, STATE_STARTTLS, STATE_OVER };

struct dialogue {
    const struct offer *offer;
    struct wire *wire;
    enum state state;
    char line[4096];
    size_t length;
    bool mail, chunks, last_chunk, chunk_refused;
    size_t recipients;
    size_t chunk_rest;
    int matched; /* octets of the end of data that were the last to arrive */
    unsigned long long commands, messages;
};

void dialogue_begin(struct dialogue *dialogue, const struct offer *offer, struct wire *wire);
/* Takes what the client sent. */
void dialogue_feed(struct dialogue *dialogue, const char *octets, size_t length);

#endif
