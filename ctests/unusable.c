/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mailboxes that are none: each gets a refusal of its own, and nobody else is concerned. */
#include <stdarg.h>

#include "mail.h"
#include "peer.h"

enum { SEEN = 16 };

struct seen {
    int count;
    int numbers[SEEN];
    char mailboxes[SEEN][64];
};

static void note(smtp_session_t session, int number, void *arg, ...)
{
    struct seen *seen = arg;
    va_list arguments;

    (void)session;
    if (seen->count == SEEN)
        return;
    seen->numbers[seen->count] = number;
    va_start(arguments, arg);
    if (number == SMTP_EV_RCPTSTATUS || number == SMTP_EV_MAILSTATUS) {
        const char *mailbox = va_arg(arguments, const char *);

        snprintf(seen->mailboxes[seen->count], sizeof seen->mailboxes[0], "%s",
                 mailbox ? mailbox : "(null)");
    }
    va_end(arguments);
    seen->count++;
}

static void refused(smtp_recipient_t recipient, int detail)
{
    const smtp_status_t *status = smtp_recipient_status(recipient);

    CHECK_INT(status->code, 553);
    CHECK_INT(status->enh_class, 5);
    CHECK_INT(status->enh_subject, 1);
    CHECK_INT(status->enh_detail, detail);
    CHECK(status->text != NULL);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
}

/* Nothing is for a server, so none is needed: nobody listens at this port. */
static void nobody_else(void)
{
    smtp_session_t session = new_session("127.0.0.1:9");
    smtp_message_t one = new_message(session), two = new_message(session),
                   three = new_message(session);
    smtp_recipient_t first = smtp_add_recipient(one, "no mailbox"),
                     second = smtp_add_recipient(one, "<x");
    smtp_recipient_t third = smtp_add_recipient(two, "to@example.org");
    smtp_recipient_t fourth = smtp_add_recipient(three, "to@example.org");
    struct seen seen = {0};
    static const int expected[] = {
        SMTP_EV_RCPTSTATUS, SMTP_EV_RCPTSTATUS, SMTP_EV_MESSAGESENT,
        SMTP_EV_MAILSTATUS, SMTP_EV_MAILSTATUS,
    };
    int i;

    CHECK_INT(smtp_set_reverse_path(two, "from example"), 1);
    CHECK_INT(smtp_set_reverse_path(three, "from@example.org\nRSET"), 0);
    smtp_set_eventcb(session, note, &seen);
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(seen.count, sizeof expected / sizeof expected[0]);
    for (i = 0; i < seen.count; i++)
        CHECK_INT(seen.numbers[i], expected[i]);
    CHECK_TEXT(seen.mailboxes[0], "no mailbox");
    CHECK_TEXT(seen.mailboxes[3], "from example");
    CHECK_TEXT(seen.mailboxes[4], "(null)");
    refused(first, 3);
    refused(second, 3);
    refused(third, 7);
    refused(fourth, 7);
    CHECK_INT(smtp_message_transfer_status(one)->code, 553);
    CHECK_INT(smtp_message_transfer_status(one)->enh_detail, 3);
    CHECK_INT(smtp_reverse_path_status(one)->code, 0);
    CHECK_INT(smtp_message_transfer_status(two)->enh_detail, 7);
    CHECK_INT(smtp_reverse_path_status(three)->enh_detail, 7);

    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
    smtp_recipient_reset_status(first);
    CHECK_INT(smtp_start_session(session), 1);
    refused(first, 3);
    smtp_destroy_session(session);
}

/* The result of each call is ignored, as programs do: the others get their mail. */
static void others_get_their_mail(void)
{
    struct peer *peer = peer_start("A: PIPELINING\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session), other = new_message(session);
    smtp_recipient_t bad, good;

    smtp_add_recipient(message, "to@example.org\r\nDATA");
    bad = smtp_add_recipient(message, "not a mailbox");
    good = smtp_add_recipient(message, "\"Last, First\" <to@example.org>\n");
    smtp_set_reverse_path(other, "nobody here");
    smtp_add_recipient(other, "to@example.org");
    CHECK_INT(smtp_start_session(session), 1);
    refused(bad, 3);
    CHECK_INT(smtp_recipient_check_complete(good), 1);
    CHECK_INT(smtp_message_transfer_status(message)->code, 250);
    CHECK_INT(smtp_message_transfer_status(other)->code, 553);
    smtp_destroy_session(session);
    CHECK_INT(peer_finish(peer), 1);
    CHECK_INT(peer_messages(peer), 1);
    CHECK(strstr(peer_wire(peer), "RCPT TO:<to@example.org>\r\nDATA\r\n") != NULL);
    CHECK(strstr(peer_wire(peer), "mailbox") == NULL);
    peer_free(peer);
}

int main(void)
{
    RUN(nobody_else);
    RUN(others_get_their_mail);
    return check_done("unusable");
}
