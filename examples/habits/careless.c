/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program that looks at no result at all. Its addresses come from a configuration, with names,
 * comments and line ends, and some are none; the server may refuse one of them, or be gone.
 *
 * Its user must see: the mail at all who can have it, and no crash.
 *
 *   cc careless.c -o careless $(pkg-config --cflags --libs libesmtp-1.0)
 *   ./careless mail.example.org:587 me@example.net 'You <you@example.org>' 'nobody at all' */

#include <stdio.h>

#include <libesmtp.h>

int main(int argc, char **argv)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    int i;

    smtp_set_server(session, argc > 1 ? argv[1] : "localhost:25");
    smtp_set_hostname(session, "careless.example.net");
    smtp_set_reverse_path(message, argc > 2 ? argv[2] : "me@example.net");
    smtp_set_message_str(message, "Subject: news\r\n\r\nThere are some.\r\n");
    for (i = 3; i < argc; i++) {
        smtp_recipient_t recipient = smtp_add_recipient(message, argv[i]);

        smtp_dsn_set_notify(recipient, Notify_FAILURE);
    }
    /* A second message, from a sender that is none. */
    message = smtp_add_message(session);
    smtp_set_reverse_path(message, "not a sender");
    smtp_set_message_str(message, "Subject: lost\r\n\r\nNobody gets this.\r\n");
    smtp_add_recipient(message, "lost@example.org");
    /* Twice, to be sure: what was sent is not sent again. */
    smtp_start_session(session);
    smtp_start_session(session);
    smtp_destroy_session(session);
    puts("done");
    return 0;
}
