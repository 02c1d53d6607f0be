/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recipients: adding, enumerating, what a mailbox may be. */
#include "mail.h"

enum { LIST = 32 };

struct list {
    int count;
    smtp_recipient_t recipients[LIST];
    char mailboxes[LIST][64];
};

static void note(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    struct list *list = arg;

    if (list->count < LIST) {
        list->recipients[list->count] = recipient;
        snprintf(list->mailboxes[list->count], sizeof list->mailboxes[0], "%s", mailbox);
    }
    list->count++;
}

/* Enumeration shows the mailboxes in order, as they were given. */
static void enumerate(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    smtp_message_t other = smtp_add_message(session);
    struct list list;
    smtp_recipient_t one, two, three;

    memset(&list, 0, sizeof list);
    CHECK_INT(smtp_enumerate_recipients(message, note, &list), 1);
    CHECK_INT(list.count, 0);
    one = smtp_add_recipient(message, "one@example.org");
    two = smtp_add_recipient(message, " <two@example.org>");
    three = smtp_add_recipient(message, "one@example.org");
    CHECK(one != NULL && two != NULL && three != NULL && one != three);
    CHECK(smtp_add_recipient(other, "other@example.org") != NULL);
    CHECK_INT(smtp_enumerate_recipients(message, note, &list), 1);
    CHECK_INT(list.count, 3);
    CHECK(list.recipients[0] == one);
    CHECK(list.recipients[1] == two);
    CHECK(list.recipients[2] == three);
    CHECK_TEXT(list.mailboxes[0], "one@example.org");
    CHECK_TEXT(list.mailboxes[1], " <two@example.org>");
    CHECK_TEXT(list.mailboxes[2], "one@example.org");
    smtp_destroy_session(session);
}

/* The library has its own copy of the text. */
static void copies(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    char mailbox[] = "to@example.org";
    struct list list;

    memset(&list, 0, sizeof list);
    CHECK(smtp_add_recipient(message, mailbox) != NULL);
    memset(mailbox, 'x', sizeof mailbox - 1);
    smtp_enumerate_recipients(message, note, &list);
    CHECK_TEXT(list.mailboxes[0], "to@example.org");
    smtp_destroy_session(session);
}

static void mailboxes(void)
{
    static const char *const good[] = {
        "to@example.org",
        "<to@example.org>",
        " to@example.org\t",
        "\"a b <c> d\"@example.org",
        "\"a \\\" b\"@example.org",
        "to@[127.0.0.1]",
        "postmaster",
        "to@example.org\n",
        "<<to@example.org>>",
        "Admin <to@example.org>",
        "\"Last, First\" <to@example.org>",
        "to@example.org (Admin)",
        /* These get a refusal in their turn. */
        "to@example.org>",
        "<to@example.org",
        "a<b@example.org",
        "a b@example.org",
        "a\001b@example.org",
        "to@example.org> NOTIFY=NEVER",
        "a\177b@example.org",
        "A <a@example.org>, B <b@example.org>",
    };
    static const char *const bad[] = {
        "to@example.org\r\nRSET",
        "to@example.org\n\n",
        "to@exa\rmple.org",
        "\nto@example.org",
    };
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    struct list list;
    size_t i;

    memset(&list, 0, sizeof list);
    for (i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK(smtp_add_recipient(message, good[i]) != NULL);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        REFUSED(smtp_add_recipient(message, bad[i]));
    smtp_enumerate_recipients(message, note, &list);
    CHECK_INT(list.count, sizeof good / sizeof good[0]);
    smtp_destroy_session(session);
}

static void length(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    char mailbox[1002];

    memset(mailbox, 'a', sizeof mailbox);
    memcpy(mailbox + 988, "@example.org", 13);
    CHECK(smtp_add_recipient(message, mailbox) != NULL);
    memset(mailbox, 'a', sizeof mailbox);
    memcpy(mailbox + 989, "@example.org", 13);
    CHECK(smtp_add_recipient(message, mailbox) != NULL);
    smtp_destroy_session(session);
}

static void statuses(void)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");
    const smtp_status_t *status = smtp_recipient_status(recipient);

    CHECK(status != NULL);
    CHECK_INT(status->code, 0);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    CHECK_INT(smtp_recipient_reset_status(recipient), 1);
    CHECK(smtp_recipient_status(recipient) == status);
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    smtp_destroy_session(session);
}

int main(void)
{
    RUN(enumerate);
    RUN(copies);
    RUN(mailboxes);
    RUN(length);
    RUN(statuses);
    return check_done("recipient");
}
