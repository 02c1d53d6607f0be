/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <libesmtp.h>

int main(int argc, char **argv)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    smtp_set_server(session, argc > 1 ? argv[1] : "localhost:25");
    smtp_set_reverse_path(message, "me@example.org");
    smtp_add_recipient(message, "you@example.org");
    smtp_set_message_str(message, "Subject: first mail\r\n\r\nIt works.\r\n");
    int sent = smtp_start_session(session) && smtp_message_transfer_status(message)->code == 250;
    puts(sent ? "sent" : "not sent");
    smtp_destroy_session(session);
    return !sent;
}
