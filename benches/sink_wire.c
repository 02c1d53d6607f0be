/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection whose answers can arrive later than they were given. The delay is the time of
 * a round trip: the client gets an answer so long after the octets that it answers were
 * written, however many others are on their way. Nothing sleeps in the client. */
#include "sink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void *allocate(void *old, size_t size)
{
    void *memory = realloc(old, size);

    if (!memory) {
        fputs("sink: out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

void wire_open(struct wire *wire, int socket, long long delay_ns)
{
    memset(wire, 0, sizeof *wire);
    wire->socket = socket;
    wire->delay_ns = delay_ns;
    wire->last = &wire->first;
    wire->arrived_ns = now();
}

void wire_close(struct wire *wire)
{
    while (wire->first) {
        struct flight *flight = wire->first;

        wire->first = flight->next;
        free(flight);
    }
    free(wire->answers);
    if (wire->tls) {
        SSL_shutdown(wire->tls);
        SSL_free(wire->tls);
    }
    close(wire->socket);
}

void wire_say(struct wire *wire, const char *answer)
{
    size_t length = strlen(answer);

    if (wire->length + length > wire->room) {
        wire->room = 2 * (wire->length + length);
        wire->answers = allocate(wire->answers, wire->room);
    }
    memcpy(wire->answers + wire->length, answer, length);
    wire->length += length;
}

static bool write_all(struct wire *wire, const char *octets, size_t length)
{
    while (length > 0) {
        ssize_t count = wire->tls ? SSL_write(wire->tls, octets, (int)length)
                                  : send(wire->socket, octets, length, MSG_NOSIGNAL);

        if (count <= 0 && !(count < 0 && errno == EINTR))
            return false;
        if (count > 0) {
            octets += count;
            length -= (size_t)count;
        }
    }
    return true;
}

/* Sends the answers on their way. */
static void send_off(struct wire *wire)
{
    struct flight *flight;

    if (wire->length == 0)
        return;
    flight = allocate(NULL, sizeof *flight + wire->length);
    flight->next = NULL;
    flight->due_ns = wire->arrived_ns + wire->delay_ns;
    flight->turn = wire->turn;
    flight->length = wire->length;
    memcpy(flight->octets, wire->answers, wire->length);
    *wire->last = flight;
    wire->last = &flight->next;
    wire->length = 0;
}

/* Lets the client have what is due. */
static bool deliver(struct wire *wire)
{
    while (wire->first && (wire->delay_ns == 0 || wire->first->due_ns <= now())) {
        struct flight *flight = wire->first;
        bool good = write_all(wire, flight->octets, flight->length);

        if (flight->turn >= wire->turn)
            wire->turn = flight->turn + 1;
        wire->first = flight->next;
        if (!wire->first)
            wire->last = &wire->first;
        free(flight);
        if (!good)
            return false;
    }
    return true;
}

/* Waits until octets arrive or the next answer is due. 1: octets, 0: an answer, -1: error. */
static int wait_for_either(const struct wire *wire)
{
    struct pollfd watch = {.fd = wire->socket, .events = POLLIN};
    struct timespec rest;
    long long ns;
    int count;

    if (wire->tls && SSL_has_pending(wire->tls))
        return 1;
    ns = wire->first->due_ns - now();
    if (ns < 0)
        ns = 0;
    rest.tv_sec = ns / 1000000000;
    rest.tv_nsec = ns % 1000000000;
    count = ppoll(&watch, 1, &rest, NULL);
    return count < 0 && errno == EINTR ? 0 : count;
}

bool wire_drain(struct wire *wire)
{
    send_off(wire);
    while (wire->first) {
        long long ns = wire->first->due_ns - now();
        struct timespec rest = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

        if (wire->delay_ns && ns > 0)
            nanosleep(&rest, NULL);
        if (!deliver(wire))
            return false;
    }
    return true;
}

size_t wire_read(struct wire *wire, char *buffer, size_t room)
{
    ssize_t count;

    send_off(wire);
    for (;;) {
        int ready;

        if (!deliver(wire))
            return 0;
        if (!wire->first)
            break;
        ready = wait_for_either(wire);
        if (ready < 0)
            return 0;
        if (ready > 0)
            break;
    }
    do
        count = wire->tls ? SSL_read(wire->tls, buffer, (int)room)
                          : recv(wire->socket, buffer, room, 0);
    while (count < 0 && errno == EINTR && !wire->tls);
    if (count <= 0)
        return 0;
    if (wire->delay_ns)
        wire->arrived_ns = now();
    wire->reads++;
    wire->octets += (unsigned long long)count;
    return (size_t)count;
}

static void count_record(int writing, int version, int type, const void *octets, size_t length,
                         SSL *tls, void *wire)
{
    (void)version;
    (void)tls;
    if (!writing && type == SSL3_RT_HEADER && length > 0
        && *(const unsigned char *)octets == SSL3_RT_APPLICATION_DATA)
        ((struct wire *)wire)->records++;
}

bool wire_secure(struct wire *wire, SSL_CTX *context)
{
    if (!wire_drain(wire))
        return false;
    wire->tls = SSL_new(context);
    if (!wire->tls)
        return false;
    SSL_set_msg_callback(wire->tls, count_record);
    SSL_set_msg_callback_arg(wire->tls, wire);
    SSL_set_fd(wire->tls, wire->socket);
    if (SSL_accept(wire->tls) <= 0)
        return false;
    wire->turn++;
    return true;
}
