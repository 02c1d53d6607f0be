/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer_io.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Between the bytes of a slow server. */
enum { DRIP_MS = 50 };

void peer_die(const char *what)
{
    perror(what);
    exit(99);
}

void peer_append(struct bytes *bytes, const char *data, size_t length)
{
    if (bytes->length + length + 1 > bytes->room) {
        bytes->room = 2 * (bytes->length + length + 1);
        bytes->data = realloc(bytes->data, bytes->room);
        if (bytes->data == NULL)
            peer_die("realloc");
    }
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
    bytes->data[bytes->length] = '\0';
}

int peer_complain(struct peer *peer, const char *what, const char *detail)
{
    if (!peer->reported)
        fprintf(stderr, "peer: script line %d: %s%s\n", peer->line, what, detail);
    peer->reported = 1;
    return 0;
}

/* Waits until the descriptor can be read; 0 if the test is over or nothing comes. */
static int readable(struct peer *peer, int fd)
{
    struct pollfd waits[2] = {{fd, POLLIN, 0}, {peer->stop[0], POLLIN, 0}};

    if (poll(waits, 2, PEER_PATIENCE_MS) <= 0)
        return peer_complain(peer, "nothing came", "");
    if (waits[1].revents)
        return peer_complain(peer, "the client finished before this step", "");
    return 1;
}

int peer_connected(struct peer *peer)
{
    int yes = 1;

    if (peer->client >= 0)
        return 1;
    if (!readable(peer, peer->listener))
        return 0;
    peer->client = accept(peer->listener, NULL, NULL);
    if (peer->client < 0)
        peer_die("accept");
    /* Replies are small, and no test is to wait for the client's delayed acknowledgement. */
    setsockopt(peer->client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    peer->connections++;
    peer->next = peer->end = 0;
    return 1;
}

int peer_hang_up(struct peer *peer, int reset)
{
    struct linger now = {1, 0};

    if (peer->secured != NULL)
        peer->security->end(peer->secured);
    peer->secured = NULL;
    if (peer->client >= 0) {
        if (reset)
            setsockopt(peer->client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(peer->client);
    }
    peer->client = -1;
    return 1;
}

int peer_secure(struct peer *peer)
{
    if (peer->security == NULL)
        return peer_complain(peer, "no TLS here", "");
    peer->secured = peer->security->start(peer->client);
    /* A handshake that fails ends the connection. */
    return peer->secured != NULL || peer_hang_up(peer, 0);
}

static int waiting(const struct peer *peer)
{
    return peer->secured != NULL && peer->security->pending(peer->secured);
}

static long receive(struct peer *peer)
{
    if (peer->secured != NULL)
        return peer->security->receive(peer->secured, peer->input, sizeof peer->input);
    return recv(peer->client, peer->input, sizeof peer->input, 0);
}

/* The next byte, -1 at the end of the connection, -2 if the script can't go on. */
static int byte(struct peer *peer)
{
    if (peer->next == peer->end) {
        long got;

        if (!waiting(peer) && !readable(peer, peer->client))
            return -2;
        got = receive(peer);
        if (got <= 0)
            return -1;
        peer_append(&peer->wire, peer->input, (size_t)got);
        peer->next = 0;
        peer->end = (size_t)got;
    }
    return (unsigned char)peer->input[peer->next++];
}

int peer_read_line(struct peer *peer, char line[PEER_LINE])
{
    size_t length = 0;
    int c;

    while ((c = byte(peer)) >= 0) {
        if (c == '\n' && length > 0 && line[length - 1] == '\r') {
            line[length - 1] = '\0';
            return 1;
        }
        if (length + 1 == PEER_LINE)
            return peer_complain(peer, "an endless line", "");
        line[length++] = (char)c;
    }
    return 0;
}

int peer_say(struct peer *peer, const char *text)
{
    char lines[2 * PEER_LINE];
    size_t length = 0;

    for (; *text != '\0' && length + 4 < sizeof lines; text++) {
        if (*text == '|')
            lines[length++] = '\r';
        lines[length++] = *text == '|' ? '\n' : *text;
    }
    lines[length++] = '\r';
    lines[length++] = '\n';
    /* A client that has gone away shows at the next read. */
    if (peer->secured != NULL)
        peer->security->send(peer->secured, lines, length);
    else
        send(peer->client, lines, length, MSG_NOSIGNAL);
    return 1;
}

int peer_read_text(struct peer *peer)
{
    char line[PEER_LINE];

    while (peer_read_line(peer, line)) {
        if (strcmp(line, ".") == 0) {
            peer->messages++;
            return 1;
        }
        peer_append(&peer->text, line, strlen(line));
        peer_append(&peer->text, "\r\n", 2);
    }
    return 0;
}

int peer_read_octets(struct peer *peer, long count, struct bytes *keep)
{
    for (; count > 0; count--) {
        int c = byte(peer);
        char octet = (char)c;

        if (c < 0)
            return 0;
        if (keep != NULL)
            peer_append(keep, &octet, 1);
    }
    return 1;
}

int peer_read_end(struct peer *peer, int silent)
{
    int c;

    while ((c = byte(peer)) >= 0)
        if (silent)
            return peer_complain(peer, "the client did not close", "");
    return c == -1 && peer_hang_up(peer, 0);
}

int peer_sleep(struct peer *peer)
{
    struct pollfd over = {peer->stop[0], POLLIN, 0};

    return poll(&over, 1, PEER_PATIENCE_MS) == 1;
}

/* Says it byte by byte, for as long as the client listens. */
int peer_say_slowly(struct peer *peer, const char *text)
{
    struct pollfd waits[2] = {{peer->client, POLLIN, 0}, {peer->stop[0], POLLIN, 0}};

    for (; *text != '\0'; text++) {
        if (send(peer->client, text, 1, MSG_NOSIGNAL) != 1)
            return peer_hang_up(peer, 0);
        if (poll(waits, 2, DRIP_MS) > 0)
            return peer_read_end(peer, 0);
    }
    return peer_say(peer, "");
}
