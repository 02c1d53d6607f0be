/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A name service for the tests: the program's own getaddrinfo, which both libraries call. Names
 * below example.org are 127.0.0.1, and so is localhost, whatever /etc/hosts says; everything else
 * is left to the C library. Who connects to port 465 there, which only root may listen on, or to
 * 127.0.0.2, gets to the server.
 *
 *   canonical NAME    the canonical name of all of those; without it each is its own
 *   addresses two     they are 127.0.0.2 then, too
 *   addresses refused they are 127.0.0.3 first, where nobody listens
 *   node NAME         what uname calls this host
 *   services none     services have no names, as without /etc/services
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>

#include "driver.h"

enum { SUBMISSIONS = 465 };

typedef int connects(int, const struct sockaddr *, socklen_t);
typedef int resolve(const char *, const char *, const struct addrinfo *, struct addrinfo **);
typedef int names(struct utsname *);

static char canonical[256];
static char own_node[64];
static bool no_services;
static const char *first_address, *last_address;

static bool is_ours(const char *node)
{
    static const char parent[] = "example.org";
    size_t length = node ? strlen(node) : 0;

    if (length > 0 && node[length - 1] == '.')
        length--;
    return length >= sizeof parent - 1
           && strncasecmp(node + length - (sizeof parent - 1), parent, sizeof parent - 1) == 0;
}

static bool is_local(const char *node)
{
    return node != NULL && strcasecmp(node, "localhost") == 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    resolve *real;
    int error;

    /* C has no other way to turn dlsym's result into a function. */
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (no_services && service && strspn(service, "0123456789") != strlen(service))
        return EAI_SERVICE;
    if (!is_ours(node) && !is_local(node))
        return real(node, service, hints, result);
    error =
        real(is_ours(node) && first_address ? first_address : "127.0.0.1", service, hints, result);
    if (error == 0 && (*result)->ai_canonname != NULL) {
        free((*result)->ai_canonname);
        (*result)->ai_canonname = strdup(canonical[0] && is_ours(node) ? canonical : node);
    }
    if (error == 0 && last_address && is_ours(node))
        error = real(last_address, service, hints, &(*result)->ai_next);
    return error;
}

int uname(struct utsname *name)
{
    names *real;
    int result;

    *(void **)&real = dlsym(RTLD_NEXT, "uname");
    result = real(name);
    if (result == 0 && own_node[0])
        strcpy(name->nodename, own_node);
    return result;
}

/* By another name, because the C library's own declaration has a type of its own for the address.
 */
int reroute(int socket, const struct sockaddr *address, socklen_t length) __asm__("connect");

int reroute(int socket, const struct sockaddr *address, socklen_t length)
{
    connects *real;
    struct sockaddr_in to;

    *(void **)&real = dlsym(RTLD_NEXT, "connect");
    if (address->sa_family != AF_INET || length < sizeof to)
        return real(socket, address, length);
    memcpy(&to, address, sizeof to);
    if (to.sin_addr.s_addr == htonl(INADDR_LOOPBACK + 1))
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (to.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && to.sin_port == htons(SUBMISSIONS))
        to.sin_port = htons((unsigned short)atoi(server_port));
    return real(socket, (struct sockaddr *)&to, sizeof to);
}

static void set_addresses(const char *which)
{
    bool refused = strcmp(which, "refused") == 0;

    first_address = refused ? "127.0.0.3" : NULL;
    last_address = refused ? "127.0.0.1" : strcmp(which, "two") == 0 ? "127.0.0.2" : NULL;
}

bool resolver_command(const struct line *line)
{
    if (word_is(line, 0, "canonical"))
        snprintf(canonical, sizeof canonical, "%s", text_at(line, 1));
    else if (word_is(line, 0, "node"))
        snprintf(own_node, sizeof own_node, "%s", text_at(line, 1));
    else if (word_is(line, 0, "addresses"))
        set_addresses(text_at(line, 1));
    else if (word_is(line, 0, "services"))
        no_services = word_is(line, 1, "none");
    else
        return false;
    trace_end();
    return true;
}
