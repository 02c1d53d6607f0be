/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions: their settings, and the checks that come before any connection. */
#include <limits.h>

#include "mail.h"
#include "peer.h"

static void create_and_destroy(void)
{
    smtp_session_t one = smtp_create_session();
    smtp_session_t two = smtp_create_session();

    CHECK(one != NULL);
    CHECK(two != NULL);
    CHECK(one != two);
    CHECK_INT(smtp_destroy_session(one), 1);
    CHECK_INT(smtp_destroy_session(two), 1);
}

static void server_name(void)
{
    smtp_session_t session = smtp_create_session();

    CHECK_TEXT(smtp_get_server_name(session), NULL);
    CHECK_INT(smtp_set_server(session, "mail.example:25"), 1);
    CHECK_TEXT(smtp_get_server_name(session), "mail.example");
    CHECK_INT(smtp_set_server(session, "other.example"), 1);
    CHECK_TEXT(smtp_get_server_name(session), "other.example");
    CHECK_INT(smtp_set_server(session, ":smtp"), 1);
    CHECK_TEXT(smtp_get_server_name(session), "localhost");
    CHECK_INT(smtp_set_server(session, "[::1]:25"), 1);
    CHECK_TEXT(smtp_get_server_name(session), "::1");
    CHECK_INT(smtp_set_server(session, "::1"), 1);
    CHECK_TEXT(smtp_get_server_name(session), "::1");
    smtp_destroy_session(session);
}

/* On this machine, under a name of it. */
static smtp_session_t sent_to(const char *host, const struct peer *peer)
{
    char server[32];
    smtp_session_t session;

    snprintf(server, sizeof server, "%s:%d", host, peer_port(peer));
    session = new_session(server);
    smtp_add_recipient(new_message(session), "to@example.org");
    CHECK_INT(smtp_start_session(session), 1);
    return session;
}

/* The name is the resolver's once there was a connection, until another server is set. */
static void canonical_name(void)
{
    struct peer *peer = peer_start("A\n");
    smtp_session_t session = sent_to("localhost", peer);

    CHECK(smtp_get_server_name(session) != NULL);
    CHECK_INT(smtp_set_server(session, "mail.example"), 1);
    CHECK_TEXT(smtp_get_server_name(session), "mail.example");
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

/* An empty host is the loopback interface. */
static void loopback(void)
{
    struct peer *peer = peer_start("A\n");

    smtp_destroy_session(sent_to("", peer));
    CHECK(peer_finish(peer));
    CHECK(strstr(peer_wire(peer), "EHLO client.example\r\n") != NULL);
    peer_free(peer);
}

static void host_name(void)
{
    smtp_session_t session = smtp_create_session();
    char name[258];

    CHECK_INT(smtp_set_hostname(session, "client.example"), 1);
    CHECK_INT(smtp_set_hostname(session, ""), 1);
    CHECK_INT(smtp_set_hostname(session, NULL), 1);
    REFUSED(smtp_set_hostname(session, "client.example\r\nMAIL FROM:<x@example.org>"));
    REFUSED(smtp_set_hostname(session, "client\nexample"));

    memset(name, 'a', sizeof name);
    name[63] = name[127] = name[191] = '.';
    name[255] = '\0';
    CHECK_INT(smtp_set_hostname(session, name), 1);
    name[255] = 'a';
    name[256] = '\0';
    REFUSED(smtp_set_hostname(session, name));
    smtp_destroy_session(session);
}

static void timeouts(void)
{
    static const struct {
        int which;
        long least;
    } known[] = {
        {Timeout_GREETING, 300000}, {Timeout_ENVELOPE, 300000}, {Timeout_DATA, 120000},
        {Timeout_TRANSFER, 180000}, {Timeout_DATA2, 600000},
    };
    smtp_session_t session = smtp_create_session();
    size_t i;

    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        int which = known[i].which;
        int any = which | Timeout_OVERRIDE_RFC2822_MINIMUM;

        CHECK_INT(smtp_set_timeout(session, which, 1), known[i].least);
        CHECK_INT(smtp_set_timeout(session, which, known[i].least), known[i].least);
        CHECK_INT(smtp_set_timeout(session, which, known[i].least + 1), known[i].least + 1);
        CHECK_INT(smtp_set_timeout(session, any, 1), 1000);
        CHECK_INT(smtp_set_timeout(session, any, 1001), 1001);
        CHECK_INT(smtp_set_timeout(session, any, LONG_MAX), LONG_MAX);
        REFUSED(smtp_set_timeout(session, which, 0));
        REFUSED(smtp_set_timeout(session, which, -1));
        REFUSED(smtp_set_timeout(session, any, 0));
        REFUSED(smtp_set_timeout(session, any, LONG_MIN));
    }
    REFUSED(smtp_set_timeout(session, Timeout_DATA2 + 1, 600000));
    REFUSED(smtp_set_timeout(session, -1, 600000));
    REFUSED(smtp_set_timeout(session, 0x2000, 600000));
    REFUSED(smtp_set_timeout(session, 0x1005, 600000));
    smtp_destroy_session(session);
}

static void switches(void)
{
    smtp_session_t session = smtp_create_session();

    CHECK_INT(smtp_set_eventcb(session, no_event, NULL), 1);
    CHECK_INT(smtp_set_eventcb(session, NULL, NULL), 1);
    CHECK_INT(smtp_set_monitorcb(session, no_monitor, NULL, 1), 1);
    CHECK_INT(smtp_set_monitorcb(session, NULL, NULL, 0), 1);
    CHECK_INT(smtp_option_require_all_recipients(session, 1), 1);
    CHECK_INT(smtp_option_require_all_recipients(session, 0), 1);
    CHECK_INT(smtp_destroy_session(session), 1);
}

static void start_checks(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message;

    REFUSED(smtp_start_session(session));
    smtp_set_server(session, "127.0.0.1:9");
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);

    message = smtp_add_message(session);
    REFUSED(smtp_start_session(session));
    smtp_set_message_str(message, letter_text);
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
    smtp_destroy_session(session);
}

/* A program that ignores a refused sender must not send with another one. */
static void refused_reverse_path(void)
{
    struct peer *peer = peer_start("A\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);

    smtp_add_recipient(message, "to@example.org");
    REFUSED(smtp_set_reverse_path(message, "from@example.org\r\nRSET"));
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_message_transfer_status(message)->code, 553);
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
    CHECK_INT(smtp_set_reverse_path(message, "other@example.org"), 1);
    CHECK_INT(smtp_start_session(session), 1);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK_INT(peer_connections(peer), 1);
    CHECK(strstr(peer_wire(peer), "MAIL FROM:<other@example.org>") != NULL);
    peer_free(peer);
}

int main(void)
{
    RUN(create_and_destroy);
    RUN(server_name);
    RUN(canonical_name);
    RUN(loopback);
    RUN(host_name);
    RUN(timeouts);
    RUN(switches);
    RUN(start_checks);
    RUN(refused_reverse_path);
    return check_done("session");
}
