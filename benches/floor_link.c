/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "text.h"

/* Pieces that are shorter than this are copied, under TLS others too: up to four records. */
enum { SHORT = 512, GATHERED = 65536, PIECES = 1024 };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

void link_open(struct link *link, const char *host, size_t port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    char service[32];
    int on = 1;

    memset(link, 0, sizeof *link);
    snprintf(service, sizeof service, "%zu", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        fail("no such host");
    link->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (link->socket < 0 || connect(link->socket, found->ai_addr, found->ai_addrlen) < 0)
        fail("not connected");
    freeaddrinfo(found);
    setsockopt(link->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    link->room = 2 * GATHERED;
    link->copied = must_allocate(link->room);
    link->capacity = PIECES;
    link->pieces = must_allocate(PIECES * sizeof *link->pieces);
}

void link_close(struct link *link)
{
    if (link->tls) {
        SSL_CTX *context = SSL_get_SSL_CTX(link->tls);

        SSL_free(link->tls);
        SSL_CTX_free(context);
    }
    close(link->socket);
    free(link->copied);
    free(link->pieces);
}

/* No certificate is checked: that is what the floor is. */
void link_secure(struct link *link)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    link->tls = context ? SSL_new(context) : NULL;
    if (!link->tls || SSL_set_fd(link->tls, link->socket) != 1
        || SSL_set_tlsext_host_name(link->tls, "localhost") != 1 || SSL_connect(link->tls) != 1)
        fail("no TLS");
}

/* Turns what was copied since the last piece into a piece. */
static void cut(struct link *link)
{
    if (link->used == link->start)
        return;
    link->pieces[link->count].iov_base = link->copied + link->start;
    link->pieces[link->count].iov_len = link->used - link->start;
    link->count++;
    link->start = link->used;
}

static void write_tls(struct link *link, const char *octets, size_t length)
{
    size_t count;

    while (length > 0) {
        if (SSL_write_ex(link->tls, octets, length, &count) != 1)
            fail("writing");
        octets += count;
        length -= count;
    }
}

static void write_pieces(struct link *link)
{
    struct iovec *piece = link->pieces;
    int count = link->count;

    while (count > 0) {
        ssize_t written = writev(link->socket, piece, count);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            fail("writing");
        while (count > 0 && (size_t)written >= piece->iov_len) {
            written -= (ssize_t)piece->iov_len;
            piece++;
            count--;
        }
        if (count > 0) {
            piece->iov_base = (char *)piece->iov_base + written;
            piece->iov_len -= (size_t)written;
        }
    }
}

void link_write(struct link *link)
{
    cut(link);
    if (link->tls)
        for (int i = 0; i < link->count; i++)
            write_tls(link, link->pieces[i].iov_base, link->pieces[i].iov_len);
    else
        write_pieces(link);
    link->count = 0;
    link->used = 0;
    link->start = 0;
}

static void copy(struct link *link, const char *octets, size_t length)
{
    if (link->used + length > link->room)
        link_write(link);
    memcpy(link->copied + link->used, octets, length);
    link->used += length;
}

void link_add(struct link *link, const char *octets, size_t length)
{
    while (length > GATHERED) {
        copy(link, octets, GATHERED);
        octets += GATHERED;
        length -= GATHERED;
    }
    copy(link, octets, length);
}

void link_refer(struct link *link, const char *octets, size_t length)
{
    if (length < SHORT || (link->tls && length < GATHERED)) {
        link_add(link, octets, length);
        return;
    }
    if (link->count + 2 >= link->capacity)
        link_write(link);
    cut(link);
    link->pieces[link->count].iov_base = (char *)octets;
    link->pieces[link->count].iov_len = length;
    link->count++;
}

static size_t receive(struct link *link, char *buffer, size_t room)
{
    ssize_t count;

    do
        count = link->tls ? SSL_read(link->tls, buffer, (int)room)
                          : recv(link->socket, buffer, room, 0);
    while (count < 0 && errno == EINTR && !link->tls);
    if (count <= 0)
        fail("reading");
    return (size_t)count;
}

void link_replies(struct link *link, size_t count)
{
    static char buffer[65536];
    int at_start = 1;

    while (count > 0) {
        const char *at = buffer, *end = buffer + receive(link, buffer, sizeof buffer), *line_end;

        while (at < end) {
            if (at_start && *at != '2' && *at != '3')
                fail("refused");
            line_end = memchr(at, '\n', (size_t)(end - at));
            at_start = line_end != NULL;
            if (!line_end)
                break;
            at = line_end + 1;
            count--;
        }
    }
}

void link_reply(struct link *link, char *buffer, size_t room)
{
    size_t length = 0;

    for (;;) {
        const char *line = buffer;

        length += receive(link, buffer + length, room - 1 - length);
        buffer[length] = '\0';
        if (buffer[length - 1] != '\n')
            continue;
        for (const char *next = line; (next = strchr(next, '\n')) && next[1]; line = ++next)
            ;
        if (line[0] != '2')
            fail("refused");
        if (line[3] == ' ')
            return;
    }
}
