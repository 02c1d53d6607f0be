/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection with as little between it and the system calls as can be. */
#ifndef FLOOR_H
#define FLOOR_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <sys/uio.h>

struct link {
    int socket;
    SSL *tls;
    /* What is gathered for the next write: short pieces are copied, long ones pointed to. */
    char *copied;
    size_t room, used, start;
    struct iovec *pieces;
    int count, capacity;
};

/* Ends the program if it cannot be connected. */
void link_open(struct link *link, const char *host, size_t port);
void link_close(struct link *link);
void link_secure(struct link *link);

/* Copies octets. */
void link_add(struct link *link, const char *octets, size_t length);
/* Points to octets that stay where they are. */
void link_refer(struct link *link, const char *octets, size_t length);
/* Writes what is gathered. */
void link_write(struct link *link);
/* Reads so many replies of one line each; ends the program unless they are 2xx or 3xx. */
void link_replies(struct link *link, size_t count);
/* Reads one reply of several lines into the buffer, with a NUL. */
void link_reply(struct link *link, char *buffer, size_t room);

#endif
