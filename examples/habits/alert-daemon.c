/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A daemon that keeps one session for ever. Each alert adds a message to it, whose text lies on
 * the stack of the function that adds it, and starts it; what did not get through goes along the
 * next time. Known daemons do so, although smtp_set_message_str does not copy: by the next alert
 * the first text's memory holds the second one.
 *
 * Its user must see: each alert once and with its own text, whatever the server said the first
 * time.
 *
 *   cc alert-daemon.c -o alert-daemon $(pkg-config --cflags --libs libesmtp-1.0)
 *   printf 'pump stopped\nwater in the cellar\n' | ./alert-daemon mail.example.org:587 */

#include <stdio.h>
#include <string.h>

#include <libesmtp.h>

static smtp_session_t session;

static void show(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    const smtp_status_t *status = smtp_recipient_status(recipient);

    (void)arg;
    /* The text ends in CRLF. */
    if (status->code != 0 && status->text != NULL)
        printf("%s: %d %.*s\n", mailbox, status->code, (int)strcspn(status->text, "\r\n"),
               status->text);
}

static void alert(const char *what)
{
    char text[512];
    smtp_message_t message = smtp_add_message(session);

    snprintf(text, sizeof text,
             "Subject: alert\r\n"
             "\r\n"
             "It is about this: %s.\r\n",
             what);
    smtp_set_message_str(message, text);
    smtp_set_reverse_path(message, "daemon@example.net");
    smtp_add_recipient(message, "operator@example.org");
    if (!smtp_start_session(session)) {
        char why[256];

        printf("not sent: %s\n", smtp_strerror(smtp_errno(), why, sizeof why));
    } else
        smtp_enumerate_recipients(message, show, NULL);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char line[256];

    session = smtp_create_session();
    smtp_set_server(session, argc > 1 ? argv[1] : "localhost:25");
    smtp_set_hostname(session, "daemon.example.net");
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        alert(line);
    }
    return !smtp_destroy_session(session);
}
