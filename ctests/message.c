/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages: adding, enumerating, the reverse path, and settings that no server need know of. */
#include "mail.h"

enum { LIST = 8 };

struct list {
    int count;
    smtp_message_t messages[LIST];
};

static void note(smtp_message_t message, void *arg)
{
    struct list *list = arg;

    if (list->count < LIST)
        list->messages[list->count] = message;
    list->count++;
}

static void enumerate(void)
{
    smtp_session_t session = smtp_create_session();
    struct list list = {0, {NULL}};
    smtp_message_t one, two, three;

    CHECK_INT(smtp_enumerate_messages(session, note, &list), 1);
    CHECK_INT(list.count, 0);
    one = smtp_add_message(session);
    two = smtp_add_message(session);
    three = smtp_add_message(session);
    CHECK(one != NULL && two != NULL && three != NULL);
    CHECK_INT(smtp_enumerate_messages(session, note, &list), 1);
    CHECK_INT(list.count, 3);
    CHECK(list.messages[0] == one);
    CHECK(list.messages[1] == two);
    CHECK(list.messages[2] == three);
    smtp_destroy_session(session);
}

static void reverse_paths(void)
{
    static const char *const good[] = {
        "from@example.org",
        "",
        "<>",
        "<from@example.org>",
        "  from@example.org ",
        "\"a b <c>\"@example.org",
        "postmaster",
        "from@example.org\n",
        "Sender <from@example.org>",
        "(daemon) from@example.org",
        /* With these the message gets a refusal in its turn. */
        "from@example.org>",
        "a<b@example.org",
        "a b@example.org",
        "a\tb@example.org",
        "a\001b@example.org",
        "from@example.org> SIZE=1",
        "a\177b@example.org",
    };
    static const char *const bad[] = {
        "from@example.org\r\nRSET",
        "from@example.org\n\n",
        "\nfrom@example.org",
    };
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    char path[1002];
    size_t i;

    for (i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK_INT(smtp_set_reverse_path(message, good[i]), 1);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        REFUSED(smtp_set_reverse_path(message, bad[i]));
    CHECK_INT(smtp_set_reverse_path(message, NULL), 1);

    memset(path, 'a', sizeof path);
    memcpy(path + 988, "@example.org", 13);
    CHECK_INT(smtp_set_reverse_path(message, path), 1);
    memset(path, 'a', sizeof path);
    memcpy(path + 989, "@example.org", 13);
    CHECK_INT(smtp_set_reverse_path(message, path), 1);
    smtp_destroy_session(session);
}

/* There is a status from the beginning, always at the same address. */
static void statuses(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    const smtp_status_t *transfer = smtp_message_transfer_status(message);
    const smtp_status_t *path = smtp_reverse_path_status(message);

    CHECK(transfer != NULL);
    CHECK(path != NULL);
    CHECK(transfer != path);
    CHECK_INT(transfer->code, 0);
    CHECK_INT(path->code, 0);
    CHECK_INT(transfer->enh_class, 0);
    CHECK_INT(smtp_message_reset_status(message), 1);
    CHECK(smtp_message_transfer_status(message) == transfer);
    CHECK(smtp_reverse_path_status(message) == path);
    smtp_destroy_session(session);
}

static const char *source(void **ctx, int *len, void *arg)
{
    (void)ctx;
    (void)arg;
    if (len != NULL)
        *len = 0;
    return NULL;
}

static void settings(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);

    CHECK_INT(smtp_set_messagecb(message, source, NULL), 1);
    CHECK_INT(smtp_set_message_fp(message, stdin), 1);
    CHECK_INT(smtp_set_message_str(message, letter_text), 1);
    REFUSED(smtp_set_messagecb(message, NULL, NULL));
    CHECK_INT(smtp_size_set_estimate(message, 0), 1);
    CHECK_INT(smtp_size_set_estimate(message, ~0UL), 1);
    CHECK_INT(smtp_set_resent_headers(message, 0), 1);
    CHECK_INT(smtp_set_resent_headers(message, 1), 0);
    smtp_destroy_session(session);
}

static void deliver_by(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);

    CHECK_INT(smtp_deliverby_set_mode(message, 120, By_RETURN, 0), 1);
    CHECK_INT(smtp_deliverby_set_mode(message, 120, By_NOTIFY, 1), 1);
    CHECK_INT(smtp_deliverby_set_mode(message, 0, By_NOTIFY, 0), 1);
    CHECK_INT(smtp_deliverby_set_mode(message, -60, By_NOTIFY, 0), 1);
    CHECK_INT(smtp_deliverby_set_mode(message, 999999999, By_RETURN, 0), 1);
    CHECK_INT(smtp_deliverby_set_mode(message, -999999999, By_NOTIFY, 0), 1);
    CHECK_INT(smtp_deliverby_set_mode(message, 0, By_NOTSET, 0), 1);
    REFUSED(smtp_deliverby_set_mode(message, 0, By_RETURN, 0));
    REFUSED(smtp_deliverby_set_mode(message, -1, By_RETURN, 0));
    REFUSED(smtp_deliverby_set_mode(message, 1000000000, By_NOTIFY, 0));
    REFUSED(smtp_deliverby_set_mode(message, -1000000000, By_NOTIFY, 0));
    smtp_destroy_session(session);
}

int main(void)
{
    RUN(enumerate);
    RUN(reverse_paths);
    RUN(statuses);
    RUN(settings);
    RUN(deliver_by);
    return check_done("message");
}
