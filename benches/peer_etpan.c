/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libetpan, by its ESMTP functions: a command at a time. */
#include <libetpan/libetpan.h>
#include <stdio.h>
#include <stdlib.h>

#include "peer.h"

static mailsmtp *session;

static void must(int result, const char *what)
{
    if (result != MAILSMTP_NO_ERROR) {
        fprintf(stderr, "libetpan: %s: %s\n", what, mailsmtp_strerror(result));
        exit(1);
    }
}

void peer_begin(const char *host, unsigned short port)
{
    session = mailsmtp_new(0, NULL);
    must(session ? MAILSMTP_NO_ERROR : MAILSMTP_ERROR_MEMORY, "session");
    must(mailsmtp_socket_connect(session, host, port), "connect");
    must(mailesmtp_ehlo(session), "EHLO");
}

void peer_message(const char *octets, size_t length, const char *const *recipients, size_t count)
{
    must(mailesmtp_mail(session, "sender@example.org", 0, NULL), "MAIL");
    for (size_t r = 0; r < count; r++)
        must(mailesmtp_rcpt(session, recipients[r], 0, NULL), "RCPT");
    must(mailsmtp_data(session), "DATA");
    must(mailsmtp_data_message(session, octets, length), "text");
}

void peer_end(void)
{
    must(mailsmtp_quit(session), "QUIT");
    mailsmtp_free(session);
}
