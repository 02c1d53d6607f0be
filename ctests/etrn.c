/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ETRN nodes: adding, enumerating, and a session that has nothing else to do. */
#include <stdarg.h>

#include "mail.h"
#include "peer.h"

struct list {
    int count, options[4];
    smtp_etrn_node_t nodes[4];
    char domains[4][32];
};

static void note(smtp_etrn_node_t node, int option, const char *domain, void *arg)
{
    struct list *list = arg;

    if (list->count < 4) {
        list->nodes[list->count] = node;
        list->options[list->count] = option;
        snprintf(list->domains[list->count], sizeof list->domains[0], "%s", domain);
    }
    list->count++;
}

static void enumerate(void)
{
    smtp_session_t session = smtp_create_session();
    struct list list;
    smtp_etrn_node_t one, two;

    memset(&list, 0, sizeof list);
    CHECK_INT(smtp_etrn_enumerate_nodes(session, note, &list), 1);
    CHECK_INT(list.count, 0);
    one = smtp_etrn_add_node(session, 0, "one.example");
    two = smtp_etrn_add_node(session, '@', "two.example");
    CHECK(one != NULL && two != NULL && one != two);
    CHECK_INT(smtp_etrn_enumerate_nodes(session, note, &list), 1);
    CHECK_INT(list.count, 2);
    CHECK(list.nodes[0] == one);
    CHECK(list.nodes[1] == two);
    CHECK_INT(list.options[0], 0);
    CHECK_INT(list.options[1], '@');
    CHECK_TEXT(list.domains[0], "one.example");
    CHECK_TEXT(list.domains[1], "two.example");
    CHECK(smtp_etrn_node_status(one) != NULL);
    CHECK_INT(smtp_etrn_node_status(one)->code, 0);
    smtp_destroy_session(session);
}

static void arguments(void)
{
    smtp_session_t session = smtp_create_session();
    struct list list;
    char domain[257];

    memset(&list, 0, sizeof list);
    REFUSED(smtp_etrn_add_node(session, '#', "example.org"));
    REFUSED(smtp_etrn_add_node(session, 1, "example.org"));
    REFUSED(smtp_etrn_add_node(session, -1, "example.org"));
    REFUSED(smtp_etrn_add_node(session, 0, "example.org\r\nQUIT"));
    REFUSED(smtp_etrn_add_node(session, '@', "example.org\n"));
    memset(domain, 'a', sizeof domain);
    domain[63] = domain[127] = domain[191] = '.';
    domain[256] = '\0';
    REFUSED(smtp_etrn_add_node(session, 0, domain));
    smtp_etrn_enumerate_nodes(session, note, &list);
    CHECK_INT(list.count, 0);
    domain[255] = '\0';
    CHECK(smtp_etrn_add_node(session, 0, domain) != NULL);
    smtp_destroy_session(session);
}

static int told;

static void event(smtp_session_t session, int number, void *arg, ...)
{
    va_list rest;

    (void)session;
    va_start(rest, arg);
    if (number == SMTP_EV_ETRNSTATUS) {
        int option = va_arg(rest, int);
        char *domain = va_arg(rest, char *);

        told++;
        CHECK_INT(option, told == 1 ? 0 : '@');
        CHECK_TEXT(domain, told == 1 ? "one.example" : "two.example");
    }
    va_end(rest);
}

/* A refused node is no failure of the session; its status tells. */
static void nodes_alone(void)
{
    struct peer *peer = peer_start("S: 220 peer.example\n"
                                   "C: EHLO client.example\n"
                                   "S: 250-peer.example\n"
                                   "S: 250 ETRN\n"
                                   "C: ETRN one.example\n"
                                   "S: 250 queuing started\n"
                                   "C: ETRN @two.example\n"
                                   "S: 459 not allowed\n"
                                   "C: QUIT\n"
                                   "S: 221 bye\n"
                                   "E\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_etrn_node_t one = smtp_etrn_add_node(session, 0, "one.example");
    smtp_etrn_node_t two = smtp_etrn_add_node(session, '@', "two.example");

    smtp_set_eventcb(session, event, NULL);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(told, 2);
    CHECK_INT(smtp_etrn_node_status(one)->code, 250);
    CHECK_TEXT(smtp_etrn_node_status(one)->text, "queuing started\r\n");
    CHECK_INT(smtp_etrn_node_status(two)->code, 459);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

int main(void)
{
    RUN(enumerate);
    RUN(arguments);
    RUN(nodes_alone);
    return check_done("etrn");
}
