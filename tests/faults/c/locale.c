/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In Turkish the small form of I is not i; SMTP, its keywords and dates stay as they are. */
#include <ctype.h>
#include <locale.h>
#include <time.h>

#include "mail.h"

int main(int argc, char **argv)
{
    time_t date = 1136214245;
    smtp_recipient_t recipient;
    smtp_session_t session;
    smtp_message_t message;

    if (setlocale(LC_ALL, "tr_TR.UTF-8") == NULL) {
        fputs("there is no locale tr_TR.UTF-8\n", stderr);
        return 77;
    }
    session = new_session(
        argc > 1 ? argv[1] : "", _smtp_message_str_cb,
        (void *)"MESSAGE-ID: <mine>\r\nDISPOSITION-NOTIFICATION-TO: a@b\r\n\r\nHello.\r\n",
        &recipient);
    message = smtp_add_message(session);
    CHECK(smtp_set_reverse_path(message, "from@example.org"));
    CHECK(smtp_set_messagecb(message, _smtp_message_str_cb, (void *)"\r\nHello.\r\n"));
    CHECK(smtp_add_recipient(message, "to@example.org") != NULL);
    CHECK(smtp_set_header(message, "date", &date));
    CHECK(smtp_set_header(message, "dISPOSITION-nOTIFICATION-tO", NULL, "me@here"));
    CHECK(!smtp_set_header(message, "mime-version", "1.0"));
    CHECK(smtp_8bitmime_set_body(message, E8bitmime_8BITMIME));
    CHECK(smtp_dsn_set_ret(message, Ret_HDRS));
    CHECK(smtp_start_session(session));
    CHECK(is_delivered(recipient));
    CHECK(smtp_message_transfer_status(message)->code == 250);
    CHECK(smtp_destroy_session(session));
    return 0;
}
