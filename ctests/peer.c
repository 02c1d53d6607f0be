/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINE = 2048,
    /* A client that is silent for so long has gone astray; valgrind makes clients slow. */
    PATIENCE_MS = 15000,
    /* What a script may still have to do when its client has finished. */
    WIND_UP_MS = 3000,
    /* Between the bytes of a slow server. */
    DRIP_MS = 50
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
    char input[4096];
    size_t next, end;
    struct bytes wire, text;
};

static void die(const char *what)
{
    perror(what);
    exit(99);
}

static void append(struct bytes *bytes, const char *data, size_t length)
{
    if (bytes->length + length + 1 > bytes->room) {
        bytes->room = 2 * (bytes->length + length + 1);
        bytes->data = realloc(bytes->data, bytes->room);
        if (bytes->data == NULL)
            die("realloc");
    }
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
    bytes->data[bytes->length] = '\0';
}

static int complain(struct peer *peer, const char *what, const char *detail)
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

    if (poll(waits, 2, PATIENCE_MS) <= 0)
        return complain(peer, "nothing came", "");
    if (waits[1].revents)
        return complain(peer, "the client finished before this step", "");
    return 1;
}

static int connected(struct peer *peer)
{
    if (peer->client >= 0)
        return 1;
    if (!readable(peer, peer->listener))
        return 0;
    peer->client = accept(peer->listener, NULL, NULL);
    if (peer->client < 0)
        die("accept");
    peer->connections++;
    peer->next = peer->end = 0;
    return 1;
}

static int hang_up(struct peer *peer, int reset)
{
    struct linger now = {1, 0};

    if (peer->client >= 0) {
        if (reset)
            setsockopt(peer->client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(peer->client);
    }
    peer->client = -1;
    return 1;
}

/* The next byte, -1 at the end of the connection, -2 if the script can't go on. */
static int byte(struct peer *peer)
{
    if (peer->next == peer->end) {
        ssize_t got;

        if (!readable(peer, peer->client))
            return -2;
        got = recv(peer->client, peer->input, sizeof peer->input, 0);
        if (got <= 0)
            return -1;
        append(&peer->wire, peer->input, (size_t)got);
        peer->next = 0;
        peer->end = (size_t)got;
    }
    return (unsigned char)peer->input[peer->next++];
}

/* One line without its CRLF; 0 at the end of the connection. */
static int read_line(struct peer *peer, char line[LINE])
{
    size_t length = 0;
    int c;

    while ((c = byte(peer)) >= 0) {
        if (c == '\n' && length > 0 && line[length - 1] == '\r') {
            line[length - 1] = '\0';
            return 1;
        }
        if (length + 1 == LINE)
            return complain(peer, "an endless line", "");
        line[length++] = (char)c;
    }
    return 0;
}

static int say(struct peer *peer, const char *text)
{
    char lines[2 * LINE];
    size_t length = 0;

    for (; *text != '\0' && length + 4 < sizeof lines; text++) {
        if (*text == '|')
            lines[length++] = '\r';
        lines[length++] = *text == '|' ? '\n' : *text;
    }
    lines[length++] = '\r';
    lines[length++] = '\n';
    /* A client that has gone away shows at the next read. */
    send(peer->client, lines, length, MSG_NOSIGNAL);
    return 1;
}

static int hear(struct peer *peer, const char *prefix)
{
    char line[LINE];

    if (!read_line(peer, line))
        return complain(peer, "the connection ended instead of ", prefix);
    if (strncmp(line, prefix, strlen(prefix)) != 0)
        return complain(peer, "another command: ", line);
    return 1;
}

static int read_text(struct peer *peer)
{
    char line[LINE];

    while (read_line(peer, line)) {
        if (strcmp(line, ".") == 0) {
            peer->messages++;
            return 1;
        }
        append(&peer->text, line, strlen(line));
        append(&peer->text, "\r\n", 2);
    }
    return complain(peer, "the connection ended in the text", "");
}

static int read_octets(struct peer *peer, long count, struct bytes *keep)
{
    for (; count > 0; count--) {
        int c = byte(peer);
        char octet = (char)c;

        if (c < 0)
            return complain(peer, "the connection ended in the text", "");
        if (keep != NULL)
            append(keep, &octet, 1);
    }
    return 1;
}

/* Takes whatever comes until the client closes; `silent` means that nothing may come. */
static int read_end(struct peer *peer, int silent)
{
    int c;

    while ((c = byte(peer)) >= 0)
        if (silent)
            return complain(peer, "the client did not close", "");
    return c == -1 && hang_up(peer, 0);
}

/* Says it byte by byte, for as long as the client listens. */
static int drip(struct peer *peer, const char *text)
{
    struct pollfd waits[2] = {{peer->client, POLLIN, 0}, {peer->stop[0], POLLIN, 0}};

    for (; *text != '\0'; text++) {
        if (send(peer->client, text, 1, MSG_NOSIGNAL) != 1)
            return hang_up(peer, 0);
        if (poll(waits, 2, DRIP_MS) > 0)
            return read_end(peer, 0);
    }
    return say(peer, "");
}

static void offer(struct peer *peer, const char *keywords)
{
    char list[LINE], line[LINE], *word, *rest = NULL;

    snprintf(list, sizeof list, "%s", keywords);
    say(peer, "250-peer.example");
    for (word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        snprintf(line, sizeof line, "250-%s", word);
        say(peer, line);
    }
    say(peer, "250 HELP");
}

static int bdat(struct peer *peer, const char *arguments)
{
    char *rest;
    long size = strtol(arguments, &rest, 10);

    if (!read_octets(peer, size, &peer->text))
        return 0;
    if (strcasecmp(rest, " LAST") == 0)
        peer->messages++;
    return say(peer, "250 taken");
}

static int starts(const char *line, const char *command)
{
    return strncasecmp(line, command, strlen(command)) == 0;
}

static int serve(struct peer *peer, const char *keywords)
{
    char line[LINE];

    say(peer, "220 peer.example ESMTP");
    while (read_line(peer, line)) {
        int good = 1;

        if (starts(line, "EHLO"))
            offer(peer, keywords);
        else if (starts(line, "RCPT TO:<refused@"))
            say(peer, "550 no such mailbox");
        else if (starts(line, "RCPT TO:<later@"))
            say(peer, "451 try again");
        else if (starts(line, "BDAT "))
            good = bdat(peer, line + 5);
        else if (starts(line, "QUIT")) {
            say(peer, "221 bye");
            break;
        } else if (starts(line, "DATA")) {
            say(peer, "354 go on");
            good = read_text(peer);
            say(peer, "250 taken");
        } else
            say(peer, "250 ok");
        if (!good)
            return 0;
    }
    return hang_up(peer, 0);
}

static int step(struct peer *peer, const char *line)
{
    const char *argument = line[1] == ':' && line[2] == ' ' ? line + 3 : "";

    if (!connected(peer))
        return 0;
    switch (line[0]) {
    case 'S':
        return say(peer, argument);
    case 'C':
        return hear(peer, argument);
    case 'T':
        return read_text(peer);
    case 'A':
        return serve(peer, argument);
    case 'M':
        return read_octets(peer, atol(argument), NULL);
    case 'E':
        return read_end(peer, 1);
    case 'W':
        return read_end(peer, 0);
    case 'D':
        return drip(peer, argument);
    case 'X':
        return hang_up(peer, 0);
    case 'R':
        return hang_up(peer, 1);
    }
    return complain(peer, "no such step: ", line);
}

static void *run(void *argument)
{
    struct peer *peer = argument;
    const char *rest = peer->script;

    while (*rest != '\0' && !peer->reported) {
        char line[LINE];
        size_t length = strcspn(rest, "\n");

        snprintf(line, sizeof line, "%.*s", (int)length, rest);
        rest += length + (rest[length] == '\n');
        peer->line++;
        if (!step(peer, line))
            break;
    }
    hang_up(peer, 0);
    if (write(peer->done[1], "", 1) != 1)
        die("write");
    return NULL;
}

struct peer *peer_start(const char *script)
{
    struct sockaddr_in where;
    socklen_t size = sizeof where;
    struct peer *peer = calloc(1, sizeof *peer);
    sigset_t all, before;

    if (peer == NULL || pipe(peer->stop) != 0 || pipe(peer->done) != 0)
        die("peer");
    peer->script = script;
    peer->client = -1;
    append(&peer->wire, "", 0);
    append(&peer->text, "", 0);
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    memset(&where, 0, sizeof where);
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (peer->listener < 0 || bind(peer->listener, (struct sockaddr *)&where, sizeof where) != 0
        || listen(peer->listener, 8) != 0
        || getsockname(peer->listener, (struct sockaddr *)&where, &size) != 0)
        die("listen");
    peer->port = ntohs(where.sin_port);
    snprintf(peer->address, sizeof peer->address, "127.0.0.1:%d", peer->port);
    /* Signals are for the program that is tested. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&peer->thread, NULL, run, peer) != 0)
        die("pthread_create");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return peer;
}

const char *peer_address(const struct peer *peer)
{
    return peer->address;
}

int peer_port(const struct peer *peer)
{
    return peer->port;
}

int peer_finish(struct peer *peer)
{
    struct pollfd end = {peer->done[0], POLLIN, 0};

    if (poll(&end, 1, WIND_UP_MS) <= 0 && write(peer->stop[1], "", 1) != 1)
        die("write");
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    close(peer->stop[0]);
    close(peer->stop[1]);
    close(peer->done[0]);
    close(peer->done[1]);
    return !peer->reported;
}

const char *peer_wire(const struct peer *peer)
{
    return peer->wire.data;
}

const char *peer_text(const struct peer *peer)
{
    return peer->text.data;
}

int peer_connections(const struct peer *peer)
{
    return peer->connections;
}

int peer_messages(const struct peer *peer)
{
    return peer->messages;
}

void peer_free(struct peer *peer)
{
    free(peer->wire.data);
    free(peer->text.data);
    free(peer);
}
