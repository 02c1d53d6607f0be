/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sink WORD...: an SMTP server that takes every message and keeps none, fast enough not to be
 * what is measured. Listens on 127.0.0.1, prints its port, then a line of counts for each
 * connection when it ends. Runs until its standard input is closed.
 *
 * Words: no-pipelining, chunking, binarymime, no-8bitmime, no-size, no-enhanced,
 * tls CERTIFICATE KEY, tls1.2, no-tickets, delay MICROSECONDS (of a round trip), text OCTETS (of
 * each reply behind its code). */
#include "sink.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024 };

static struct offer offer = {
    .pipelining = true, .eightbitmime = true, .size = true, .enhanced = true, .text = 60};

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void report(const struct dialogue *dialogue)
{
    const struct wire *wire = dialogue->wire;

    printf("messages=%llu commands=%llu octets=%llu reads=%llu records=%llu turns=%llu\n",
           dialogue->messages, dialogue->commands, wire->octets, wire->reads, wire->records,
           wire->turn);
    fflush(stdout);
}

static void *serve(void *argument)
{
    int on = 1, *socket = argument;
    struct dialogue *dialogue = malloc(sizeof *dialogue);
    char *buffer = malloc(BUFFER);
    struct wire wire;
    size_t count;

    if (!dialogue || !buffer)
        fail("memory");
    setsockopt(*socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    wire_open(&wire, *socket, offer.delay_ns);
    free(socket);
    dialogue_begin(dialogue, &offer, &wire);
    while (dialogue->state != STATE_OVER && (count = wire_read(&wire, buffer, BUFFER)) > 0) {
        dialogue_feed(dialogue, buffer, count);
        if (dialogue->state == STATE_STARTTLS) {
            dialogue->state = STATE_COMMAND;
            if (!wire_secure(&wire, offer.tls))
                break;
        }
    }
    wire_drain(&wire);
    wire_close(&wire);
    report(dialogue);
    free(dialogue);
    free(buffer);
    return NULL;
}

static void load_certificate(const char *certificate, const char *key)
{
    offer.tls = SSL_CTX_new(TLS_server_method());
    if (!offer.tls || SSL_CTX_use_certificate_chain_file(offer.tls, certificate) != 1
        || SSL_CTX_use_PrivateKey_file(offer.tls, key, SSL_FILETYPE_PEM) != 1) {
        fputs("sink: certificate or key unusable\n", stderr);
        exit(2);
    }
}

static void read_words(char **words)
{
    while (*words) {
        const char *word = *words++;

        if (strcmp(word, "no-pipelining") == 0)
            offer.pipelining = false;
        else if (strcmp(word, "chunking") == 0)
            offer.chunking = true;
        else if (strcmp(word, "binarymime") == 0)
            offer.binarymime = true;
        else if (strcmp(word, "no-8bitmime") == 0)
            offer.eightbitmime = false;
        else if (strcmp(word, "no-size") == 0)
            offer.size = false;
        else if (strcmp(word, "no-enhanced") == 0)
            offer.enhanced = false;
        else if (strcmp(word, "no-tickets") == 0 && offer.tls)
            SSL_CTX_set_num_tickets(offer.tls, 0);
        else if (strcmp(word, "tls1.2") == 0 && offer.tls)
            SSL_CTX_set_max_proto_version(offer.tls, TLS1_2_VERSION);
        else if (strcmp(word, "text") == 0 && words[0])
            offer.text = strtoul(*words++, NULL, 10);
        else if (strcmp(word, "delay") == 0 && words[0])
            offer.delay_ns = strtoll(*words++, NULL, 10) * 1000;
        else if (strcmp(word, "tls") == 0 && words[0] && words[1]) {
            load_certificate(words[0], words[1]);
            words += 2;
        } else {
            fprintf(stderr, "sink: bad word %s\n", word);
            exit(2);
        }
    }
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0
        || listen(listener, 128) < 0
        || getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        fail("listening");
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void take_connection(int listener)
{
    pthread_t thread;
    int *socket = malloc(sizeof *socket);

    if (!socket)
        fail("memory");
    *socket = accept(listener, NULL, NULL);
    if (*socket < 0) {
        free(socket);
        return;
    }
    if (pthread_create(&thread, NULL, serve, socket) != 0)
        fail("thread");
    pthread_detach(thread);
}

int main(int argc, char **argv)
{
    struct pollfd watch[2] = {{.events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};

    (void)argc;
    signal(SIGPIPE, SIG_IGN);
    read_words(argv + 1);
    watch[0].fd = listen_on_loopback();
    while (poll(watch, 2, -1) > 0 && !watch[1].revents)
        if (watch[0].revents & POLLIN)
            take_connection(watch[0].fd);
    return 0;
}
