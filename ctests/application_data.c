/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Data of the application: four families that behave alike, and their end with the session. */
#define LIBESMTP_ENABLE_DEPRECATED_SYMBOLS 1

#include "mail.h"

enum { RELEASED = 16 };

static void *released[RELEASED];
static int releases;

static void release(void *data)
{
    if (releases < RELEASED)
        released[releases] = data;
    releases++;
}

static int other_releases;

static void other_release(void *data)
{
    (void)data;
    other_releases++;
}

/* `stem` is what the names of a family begin with, `owner` whose data it is. */
#define FAMILY(stem, owner) \
    do { \
        releases = other_releases = 0; \
        CHECK(stem##get_application_data(owner) == NULL); \
        CHECK(stem##set_application_data(owner, &data[0]) == NULL); \
        CHECK(stem##get_application_data(owner) == &data[0]); \
        CHECK(stem##set_application_data(owner, &data[1]) == &data[0]); \
        CHECK_INT(releases, 0); \
        stem##set_application_data_release(owner, &data[2], release); \
        CHECK(stem##get_application_data(owner) == &data[2]); \
        CHECK_INT(releases, 0); \
        stem##set_application_data_release(owner, &data[3], other_release); \
        CHECK_INT(releases, 1); \
        CHECK(released[0] == &data[2]); \
        stem##set_application_data_release(owner, NULL, release); \
        CHECK_INT(other_releases, 1); \
        CHECK(stem##get_application_data(owner) == NULL); \
        stem##set_application_data_release(owner, &data[0], release); \
        CHECK_INT(releases, 1); \
        /* The older function hands the data back and forgets how to release it. */ \
        CHECK(stem##set_application_data(owner, &data[1]) == &data[0]); \
        stem##set_application_data_release(owner, &data[2], NULL); \
        CHECK_INT(releases, 1); \
        CHECK(stem##set_application_data(owner, NULL) == &data[2]); \
        CHECK(stem##get_application_data(owner) == NULL); \
    } while (0)

static int data[10];

static void families(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");
    smtp_etrn_node_t node = smtp_etrn_add_node(session, 0, "example.org");

    FAMILY(smtp_, session);
    FAMILY(smtp_message_, message);
    FAMILY(smtp_recipient_, recipient);
    FAMILY(smtp_etrn_, node);
    releases = other_releases = 0;
    smtp_destroy_session(session);
    CHECK_INT(releases, 0);
    CHECK_INT(other_releases, 0);
}

static void released_at_the_end(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t one = smtp_add_message(session);
    smtp_message_t two = smtp_add_message(session);
    int i;

    smtp_recipient_set_application_data_release(smtp_add_recipient(one, "a@example.org"), &data[4],
                                                release);
    smtp_recipient_set_application_data_release(smtp_add_recipient(one, "b@example.org"), &data[5],
                                                release);
    smtp_recipient_set_application_data_release(smtp_add_recipient(one, "n@example.org"), NULL,
                                                release);
    smtp_recipient_set_application_data_release(smtp_add_recipient(two, "c@example.org"), &data[7],
                                                release);
    smtp_message_set_application_data_release(two, &data[6], release);
    smtp_message_set_application_data_release(one, &data[3], release);
    smtp_etrn_set_application_data_release(smtp_etrn_add_node(session, 0, "a.example"), &data[1],
                                           release);
    smtp_etrn_set_application_data_release(smtp_etrn_add_node(session, 0, "b.example"), &data[2],
                                           release);
    smtp_set_application_data_release(session, &data[0], release);
    smtp_recipient_set_application_data(smtp_add_recipient(two, "d@example.org"), &data[8]);
    releases = 0;
    CHECK_INT(smtp_destroy_session(session), 1);
    CHECK_INT(releases, 8);
    /* Session, nodes, then each message and its recipients. */
    for (i = 0; i < 8; i++)
        CHECK_INT((int *)released[i] - data, i);
}

static smtp_message_t found;

static void enumerated(smtp_message_t message, void *arg)
{
    if (smtp_message_get_application_data(message) == arg)
        found = message;
}

/* The use of it: an application finds its own record again. */
static void enumerate(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message;

    smtp_add_message(session);
    message = smtp_add_message(session);
    smtp_add_message(session);
    smtp_message_set_application_data_release(message, &data[9], NULL);
    CHECK_INT(smtp_enumerate_messages(session, enumerated, &data[9]), 1);
    CHECK(found == message);
    smtp_destroy_session(session);
}

/* A release function may call the library for another session. */
static void release_session(void *other)
{
    smtp_destroy_session(other);
    releases++;
}

static void nested(void)
{
    smtp_session_t outer = smtp_create_session();
    smtp_session_t inner = smtp_create_session();

    releases = 0;
    smtp_set_application_data_release(inner, &data[0], release);
    smtp_set_application_data_release(outer, inner, release_session);
    smtp_destroy_session(outer);
    CHECK_INT(releases, 2);
}

int main(void)
{
    RUN(families);
    RUN(released_at_the_end);
    RUN(enumerate);
    RUN(nested);
    return check_done("application_data");
}
