/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host whose name servers never answer. A server that is given as an address is not looked up,
 * and the host's own name is waited for once, and not for long. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <time.h>

#include "mail.h"

enum { LONGEST = 2 };

static int own_name_asked, waits, too_long;

/* These are called in place of the C library's. */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    int (*function)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    struct in_addr address;

    /* A name would be waited for. */
    if (node == NULL || inet_pton(AF_INET, node, &address) != 1)
        abort();
    *(void **)&function = dlsym(RTLD_NEXT, "getaddrinfo");
    return function(node, service, hints, result);
}

int getaddrinfo_a(int mode, struct gaicb **list, int count, struct sigevent *event)
{
    (void)list;
    (void)count;
    (void)event;
    own_name_asked++;
    return mode == GAI_NOWAIT ? 0 : EAI_SYSTEM;
}

int gai_error(struct gaicb *request)
{
    (void)request;
    return EAI_INPROGRESS;
}

int gai_cancel(struct gaicb *request)
{
    (void)request;
    return EAI_NOTCANCELED;
}

int gai_suspend(const struct gaicb *const *list, int count, const struct timespec *timeout)
{
    (void)list;
    (void)count;
    waits++;
    if (timeout == NULL || timeout->tv_sec > LONGEST)
        too_long++;
    else
        nanosleep(timeout, NULL);
    return EAI_AGAIN;
}

static int send_as(const char *hostname, const char *server)
{
    smtp_recipient_t recipient;
    smtp_session_t session = new_letter(server, &recipient);

    CHECK(smtp_set_hostname(session, hostname));
    return goes_out(session, recipient);
}

int main(int argc, char **argv)
{
    const char *server = argc > 1 ? argv[1] : "";
    int first;

    CHECK(send_as("client.example", server));
    CHECK(own_name_asked == 0);
    /* The library finds out what this host is called. */
    CHECK(send_as(NULL, server));
    CHECK(own_name_asked == 1);
    first = waits;
    CHECK(send_as(NULL, server));
    CHECK(own_name_asked == 1 && waits == first);
    CHECK(too_long == 0);
    return 0;
}
