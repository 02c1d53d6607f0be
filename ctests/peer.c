/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer_io.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a script may still have to do when its client has finished. */
enum { WIND_UP_MS = 3000 };

static int hear(struct peer *peer, const char *prefix)
{
    char line[PEER_LINE];

    if (!peer_read_line(peer, line))
        return peer_complain(peer, "the connection ended instead of ", prefix);
    if (strncmp(line, prefix, strlen(prefix)) != 0)
        return peer_complain(peer, "another command: ", line);
    return 1;
}

static void offer(struct peer *peer, const char *keywords)
{
    char list[PEER_LINE], line[PEER_LINE], *word, *rest = NULL;

    snprintf(list, sizeof list, "%s", keywords);
    peer_say(peer, "250-peer.example");
    for (word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        snprintf(line, sizeof line, "250-%s", word);
        peer_say(peer, line);
    }
    peer_say(peer, "250 HELP");
}

static int whole(struct peer *peer, int good)
{
    return good || peer_complain(peer, "the connection ended in the text", "");
}

static int bdat(struct peer *peer, const char *arguments)
{
    char *rest;
    long size = strtol(arguments, &rest, 10);

    if (!peer_read_octets(peer, size, &peer->text))
        return 0;
    if (strcasecmp(rest, " LAST") == 0)
        peer->messages++;
    return peer_say(peer, "250 taken");
}

static int starts(const char *line, const char *command)
{
    return strncasecmp(line, command, strlen(command)) == 0;
}

static int serve(struct peer *peer, const char *keywords)
{
    char line[PEER_LINE];

    peer_say(peer, "220 peer.example ESMTP");
    while (peer_read_line(peer, line)) {
        int good = 1;

        if (starts(line, "EHLO"))
            offer(peer, keywords);
        else if (starts(line, "RCPT TO:<refused@"))
            peer_say(peer, "550 no such mailbox");
        else if (starts(line, "RCPT TO:<later@"))
            peer_say(peer, "451 try again");
        else if (starts(line, "BDAT "))
            good = bdat(peer, line + 5);
        else if (starts(line, "QUIT")) {
            peer_say(peer, "221 bye");
            break;
        } else if (starts(line, "DATA")) {
            peer_say(peer, "354 go on");
            good = peer_read_text(peer) && peer_say(peer, "250 taken");
        } else
            peer_say(peer, "250 ok");
        if (!good)
            break;
    }
    return peer_hang_up(peer, 0);
}

static int step(struct peer *peer, const char *line)
{
    const char *argument = line[1] == ':' && line[2] == ' ' ? line + 3 : "";

    if (!peer_connected(peer))
        return 0;
    switch (line[0]) {
    case 'S':
        return peer_say(peer, argument);
    case 'C':
        return hear(peer, argument);
    case 'T':
        return whole(peer, peer_read_text(peer));
    case 'A':
        return serve(peer, argument);
    case 'M':
        return whole(peer, peer_read_octets(peer, atol(argument), NULL));
    case 'E':
        return peer_read_end(peer, 1);
    case 'W':
        return peer_read_end(peer, 0);
    case 'Z':
        return peer_sleep(peer);
    case 'D':
        return peer_say_slowly(peer, argument);
    case 'L':
        return peer_secure(peer);
    case 'X':
        return peer_hang_up(peer, 0);
    case 'R':
        return peer_hang_up(peer, 1);
    }
    return peer_complain(peer, "no such step: ", line);
}

static void *run(void *argument)
{
    struct peer *peer = argument;
    const char *rest = peer->script;

    while (*rest != '\0' && !peer->reported) {
        char line[PEER_LINE];
        size_t length = strcspn(rest, "\n");

        snprintf(line, sizeof line, "%.*s", (int)length, rest);
        rest += length + (rest[length] == '\n');
        peer->line++;
        if (!step(peer, line))
            break;
    }
    /* A client that expects more is not to wait for it. */
    peer_hang_up(peer, 0);
    close(peer->listener);
    if (write(peer->done[1], "", 1) != 1)
        peer_die("write");
    return NULL;
}

struct peer *peer_start(const char *script)
{
    return peer_start_secure(script, NULL);
}

struct peer *peer_start_secure(const char *script, const struct peer_security *security)
{
    struct sockaddr_in where;
    socklen_t size = sizeof where;
    struct peer *peer = calloc(1, sizeof *peer);
    sigset_t all, before;

    if (peer == NULL || pipe(peer->stop) != 0 || pipe(peer->done) != 0)
        peer_die("peer");
    peer->script = script;
    peer->security = security;
    peer->client = -1;
    peer_append(&peer->wire, "", 0);
    peer_append(&peer->text, "", 0);
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    memset(&where, 0, sizeof where);
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (peer->listener < 0 || bind(peer->listener, (struct sockaddr *)&where, sizeof where) != 0
        || listen(peer->listener, 8) != 0
        || getsockname(peer->listener, (struct sockaddr *)&where, &size) != 0)
        peer_die("listen");
    peer->port = ntohs(where.sin_port);
    snprintf(peer->address, sizeof peer->address, "127.0.0.1:%d", peer->port);
    /* Signals are for the program that is tested. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&peer->thread, NULL, run, peer) != 0)
        peer_die("pthread_create");
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
        peer_die("write");
    pthread_join(peer->thread, NULL);
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
