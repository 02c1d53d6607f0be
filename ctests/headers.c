/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtp_set_header and smtp_set_header_option: what each header takes, and what may not be said. */
#include <stdlib.h>
#include <time.h>

#include "mail.h"
#include "peer.h"

static smtp_session_t session;
static smtp_message_t message;

static void prepare(void)
{
    session = smtp_create_session();
    message = smtp_add_message(session);
}

static const char *const absent = NULL;

static void dates(void)
{
    time_t now = time(NULL), unset = 0;

    prepare();
    REFUSED(smtp_set_header(message, "Date", (const time_t *)NULL));
    CHECK_INT(smtp_set_header(message, "Date", &now), 1);
    REFUSED(smtp_set_header(message, "date", &now));
    smtp_destroy_session(session);
    prepare();
    CHECK_INT(smtp_set_header(message, "DATE", &unset), 1);
    CHECK_INT(smtp_set_header(message, "Date", &now), 1);
    smtp_destroy_session(session);
}

static void message_ids(void)
{
    prepare();
    CHECK_INT(smtp_set_header(message, "Message-Id", absent), 1);
    CHECK_INT(smtp_set_header(message, "Message-Id", "<id@example.org>"), 1);
    REFUSED(smtp_set_header(message, "Message-Id", "other@example.org"));
    smtp_destroy_session(session);
}

/* From, To, Cc, Bcc and Reply-To take one more mailbox a call. */
static void lists(void)
{
    static const char *const names[] = {"From", "To", "Cc", "Bcc", "Reply-To"};
    size_t i;

    prepare();
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK_INT(smtp_set_header(message, names[i], "A Phrase", "a@example.org"), 1);
        CHECK_INT(smtp_set_header(message, names[i], absent, "b@example.org"), 1);
        CHECK_INT(smtp_set_header(message, names[i], absent, "c@example.org, d@example.org"), 1);
        REFUSED(smtp_set_header(message, names[i], "A Phrase", absent));
        CHECK_INT(smtp_set_header(message, names[i], absent, "a@example.org\r\nBcc: x@example.org"),
                  1);
        CHECK_INT(smtp_set_header(message, names[i], "A\nPhrase", "a@example.org"), 1);
    }
    smtp_destroy_session(session);
}

static void single_mailboxes(void)
{
    prepare();
    REFUSED(smtp_set_header(message, "Sender", absent, absent));
    REFUSED(smtp_set_header(message, "Sender", "A Phrase", absent));
    CHECK_INT(smtp_set_header(message, "Sender", "A Phrase", "a@example.org"), 1);
    REFUSED(smtp_set_header(message, "Sender", absent, "b@example.org"));
    CHECK_INT(smtp_set_header(message, "Disposition-Notification-To", absent, absent), 1);
    CHECK_INT(smtp_set_header(message, "Disposition-Notification-To", "A\nB", "a@example.org"), 1);
    smtp_destroy_session(session);
}

static void without_mailbox(void)
{
    prepare();
    CHECK_INT(smtp_set_header(message, "From", absent, absent), 1);
    CHECK_INT(smtp_set_header(message, "To", absent, absent), 1);
    REFUSED(smtp_set_header(message, "Cc", absent, absent));
    REFUSED(smtp_set_header(message, "Bcc", absent, absent));
    REFUSED(smtp_set_header(message, "Reply-To", absent, absent));
    smtp_destroy_session(session);
}

static void texts(void)
{
    prepare();
    CHECK_INT(smtp_set_header(message, "Subject", absent), 1);
    CHECK_INT(smtp_set_header(message, "Subject", "a subject"), 1);
    REFUSED(smtp_set_header(message, "Subject", "another"));
    CHECK_INT(smtp_set_header(message, "X-Folded", "one\r\n two\n\tthree"), 1);
    CHECK_INT(smtp_set_header(message, "X-End", "text\r\n"), 1);
    CHECK_INT(smtp_set_header(message, "X-End-Lf", "text\n"), 1);
    CHECK_INT(smtp_set_header(message, "X-Line-End", "one\r\nBcc: x@example.org"), 1);
    CHECK_INT(smtp_set_header(message, "X-Empty-Line:", "one\n\nbody"), 1);
    REFUSED(smtp_set_header(message, "X-Empty-Line", "two"));
    smtp_destroy_session(session);
}

static void names(void)
{
    static const char *const bad[] = {
        "", "X Y", "X::", ":", "X\r\nY", "X\n", "\tX", "\303\244", "X\177", "X\001",
    };
    static const char *const fixed[] = {
        "Return-Path",  "Original-Recipient", "Resent-Reply-To", "Content-Type",
        "MIME-Version", "Resent-From",        "received",        "CONTENT-X",
    };
    char name[1000];
    size_t i;

    prepare();
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(smtp_set_header(message, bad[i], "text"));
        REFUSED(smtp_set_header_option(message, bad[i], Hdr_OVERRIDE, 1));
        REFUSED(smtp_set_header_option(message, bad[i], Hdr_PROHIBIT, 1));
    }
    for (i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        REFUSED(smtp_set_header(message, fixed[i], "text", "text"));
        REFUSED(smtp_set_header_option(message, fixed[i], Hdr_OVERRIDE, 1));
        REFUSED(smtp_set_header_option(message, fixed[i], Hdr_PROHIBIT, 1));
    }
    memset(name, 'a', sizeof name);
    name[999] = '\0';
    REFUSED(smtp_set_header(message, name, "text"));
    name[998] = '\0';
    CHECK_INT(smtp_set_header(message, name, "text"), 1);
    CHECK_INT(smtp_set_header(message, "!#$~", "text"), 1);
    smtp_destroy_session(session);
}

static void options(void)
{
    prepare();
    CHECK_INT(smtp_set_header_option(message, "Subject", Hdr_OVERRIDE, 1), 1);
    CHECK_INT(smtp_set_header_option(message, "Subject", Hdr_OVERRIDE, 0), 1);
    CHECK_INT(smtp_set_header_option(message, "Subject", Hdr_PROHIBIT, 1), 1);
    REFUSED(smtp_set_header(message, "Subject", "a subject"));
    REFUSED(smtp_set_header_option(message, "Subject", Hdr_OVERRIDE, 1));
    CHECK_INT(smtp_set_header_option(message, "Subject", Hdr_PROHIBIT, 0), 1);
    CHECK_INT(smtp_set_header(message, "Subject", "a subject"), 1);
    CHECK_INT(smtp_set_header_option(message, "Message-Id", Hdr_PROHIBIT, 1), 1);
    REFUSED(smtp_set_header_option(message, "Date", Hdr_PROHIBIT, 1));
    REFUSED(smtp_set_header_option(message, "From", Hdr_PROHIBIT, 1));
    smtp_destroy_session(session);
}

/* All kinds of arguments, as the server gets them. */
static void print(void)
{
    static char text[] = "Subject: from the message\r\n"
                         "X-Mailer: gone\r\n"
                         "\r\n"
                         "Body\r\n";
    struct peer *peer = peer_start("A\n");
    time_t then = 1136214245;

    session = new_session(peer_address(peer));
    message = new_message(session);
    smtp_set_message_str(message, text);
    smtp_add_recipient(message, "to@example.org");
    smtp_add_recipient(message, "second@example.org");
    CHECK_INT(smtp_set_header(message, "Date", &then), 1);
    CHECK_INT(smtp_set_header(message, "From", "A \"Quoted\" \\ Name", "from@example.org"), 1);
    CHECK_INT(smtp_set_header(message, "Message-Id", "<id@example.org>"), 1);
    CHECK_INT(smtp_set_header(message, "To", absent, absent), 1);
    CHECK_INT(smtp_set_header(message, "Cc", "First", "first@example.org"), 1);
    CHECK_INT(smtp_set_header(message, "Cc", absent, "newest@example.org"), 1);
    CHECK_INT(smtp_set_header(message, "Subject", "from the program"), 1);
    CHECK_INT(smtp_set_header_option(message, "Subject", Hdr_OVERRIDE, 1), 1);
    CHECK_INT(smtp_set_header(message, "X-fOLDED", "one\n two\r\n"), 1);
    CHECK_INT(smtp_set_header(message, "X-Empty", absent), 1);
    CHECK_INT(smtp_set_header_option(message, "X-Mailer", Hdr_PROHIBIT, 1), 1);
    CHECK_INT(smtp_start_session(session), 1);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK_TEXT(peer_text(peer), "Subject: from the program\r\n"
                                "Date: Mon, 02 Jan 2006 15:04:05 +0000\r\n"
                                "From: \"A \\\"Quoted\\\" \\\\ Name\" <from@example.org>\r\n"
                                "Message-Id: <id@example.org>\r\n"
                                "To: to@example.org,\r\n"
                                "\tsecond@example.org\r\n"
                                "Cc: newest@example.org,\r\n"
                                "    \"First\" <first@example.org>\r\n"
                                "X-fOLDED: one\r\n"
                                " two\r\n"
                                "X-Empty: \r\n"
                                "\r\n"
                                "Body\r\n");
    peer_free(peer);
}

int main(void)
{
    setenv("TZ", "UTC0", 1);
    RUN(dates);
    RUN(message_ids);
    RUN(lists);
    RUN(single_mailboxes);
    RUN(without_mailbox);
    RUN(texts);
    RUN(names);
    RUN(options);
    RUN(print);
    return check_done("headers");
}
