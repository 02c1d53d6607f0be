/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program that accepts every certificate. Many do, in an event callback that answers each
 * question with yes, because somebody once had a server whose certificate was his own.
 *
 * Its user must see: the mail goes, over TLS, whatever is wrong with the certificate. What was
 * wrong is on the standard output, one line for each question. Nobody is kept out who sits in
 * between: do not write new programs like this.
 *
 *   cc trusting.c -o trusting $(pkg-config --cflags --libs libesmtp-1.0)
 *   ./trusting mail.example.org:587 */

#include <stdarg.h>
#include <stdio.h>

#include <libesmtp.h>

static void say_yes(smtp_session_t session, int number, void *arg, ...)
{
    va_list arguments;

    (void)session;
    (void)arg;
    va_start(arguments, arg);
    switch (number) {
    case SMTP_EV_INVALID_PEER_CERTIFICATE: {
        long verdict = va_arg(arguments, long);

        printf("certificate not in order: %ld\n", verdict);
        *va_arg(arguments, int *) = 1;
        break;
    }
    case SMTP_EV_WRONG_PEER_CERTIFICATE:
        puts("certificate of another host");
        *va_arg(arguments, int *) = 1;
        break;
    case SMTP_EV_NO_PEER_CERTIFICATE:
        puts("no certificate");
        *va_arg(arguments, int *) = 1;
        break;
    case SMTP_EV_NO_CLIENT_CERTIFICATE:
        *va_arg(arguments, int *) = 1;
        break;
    case SMTP_EV_WEAK_CIPHER:
        (void)va_arg(arguments, int);
        *va_arg(arguments, int *) = 1;
        break;
    case SMTP_EV_STARTTLS_OK:
        puts("encrypted");
        break;
    }
    va_end(arguments);
}

int main(int argc, char **argv)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    int sent;

    smtp_set_server(session, argc > 1 ? argv[1] : "localhost:587");
    smtp_set_hostname(session, "trusting.example.net");
    smtp_starttls_enable(session, Starttls_REQUIRED);
    smtp_set_eventcb(session, say_yes, NULL);
    smtp_set_reverse_path(message, "me@example.net");
    smtp_add_recipient(message, "you@example.org");
    smtp_set_message_str(message, "Subject: trust\r\n\r\nWhoever you are.\r\n");
    sent = smtp_start_session(session) && smtp_message_transfer_status(message)->code == 250;
    puts(sent ? "sent" : "not sent");
    smtp_destroy_session(session);
    return !sent;
}
