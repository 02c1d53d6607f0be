/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A daemon that began as root, and whose $HOME is still root's. */
#include <grp.h>
#include <stdarg.h>

#include "mail.h"

enum { NOBODY = 65534 };

/* The authorities of the system do not know the server's certificate. */
static void accept_certificate(smtp_session_t session, int number, void *arg, ...)
{
    va_list arguments;

    (void)session;
    va_start(arguments, arg);
    if (number == SMTP_EV_INVALID_PEER_CERTIFICATE) {
        (void)va_arg(arguments, long);
        *va_arg(arguments, int *) = 1;
    } else if (number == SMTP_EV_WRONG_PEER_CERTIFICATE)
        *va_arg(arguments, int *) = 1;
    else if (number == SMTP_EV_STARTTLS_OK)
        ++*(int *)arg;
    va_end(arguments);
}

int main(int argc, char **argv)
{
    smtp_recipient_t recipient;
    smtp_session_t session =
        new_session(argc > 1 ? argv[1] : "", _smtp_message_str_cb, (void *)letter, &recipient);
    int secured = 0;

    CHECK(smtp_starttls_enable(session, Starttls_REQUIRED));
    CHECK(smtp_set_eventcb(session, accept_certificate, &secured));
    CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    CHECK(access(getenv("HOME"), X_OK) == -1);
    CHECK(smtp_start_session(session));
    CHECK(secured == 1);
    CHECK(is_delivered(recipient));
    CHECK(smtp_destroy_session(session));
    return 0;
}
