/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* load NAME=VALUE...: sends messages with whichever libesmtp.so.6 the dynamic linker finds and
 * prints what that took. Fails unless the server accepted every message. */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Needs size_t and does not ask for it in every version. */
#include <libesmtp.h>

#include "gauge.h"
#include "options.h"
#include "source.h"
#include "text.h"

static struct options options;
static struct text text;
static FILE *file;
static char (*mailboxes)[48];
static size_t sent, event_count;
/* Heap in use: with all messages added, and after they were sent. Looking costs something. */
static size_t heap_added, heap_sent;

static _Noreturn void fail(const char *what)
{
    char reason[256];

    fprintf(stderr, "%s: %s\n", what, smtp_strerror(smtp_errno(), reason, sizeof reason));
    exit(1);
}

static size_t heap(void)
{
#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

/* The server's certificate is one that no authority of the system's knows. */
static void on_event(smtp_session_t session, int event, void *argument, ...)
{
    va_list rest;

    (void)session;
    event_count++;
    va_start(rest, argument);
    if (event == SMTP_EV_INVALID_PEER_CERTIFICATE) {
        va_arg(rest, long);
        *va_arg(rest, int *) = 1;
    } else if (event == SMTP_EV_WEAK_CIPHER) {
        va_arg(rest, int);
        *va_arg(rest, int *) = 1;
    } else if (event == SMTP_EV_NO_PEER_CERTIFICATE || event == SMTP_EV_WRONG_PEER_CERTIFICATE
               || event == SMTP_EV_NO_CLIENT_CERTIFICATE) {
        *va_arg(rest, int *) = 1;
    }
    va_end(rest);
}

static void set_source(smtp_message_t message)
{
    switch (options.source) {
    case SOURCE_STRING:
        smtp_set_message_str(message, text.octets);
        break;
    case SOURCE_FILE:
        smtp_set_message_fp(message, file);
        break;
    case SOURCE_LINE:
        smtp_set_messagecb(message, line_source, &text);
        break;
    case SOURCE_BLOCK:
        smtp_set_messagecb(message, block_source, &text);
        break;
    }
}

/* Beforehand, as printing one takes longer than adding it. */
static void make_mailboxes(void)
{
    mailboxes = must_allocate(options.recipients * sizeof *mailboxes);
    for (size_t r = 0; r < options.recipients; r++)
        snprintf(mailboxes[r], sizeof *mailboxes, "recipient%zu@example.org", r);
}

static void add_messages(smtp_session_t session)
{
    for (size_t m = 0; m < options.messages; m++) {
        smtp_message_t message = smtp_add_message(session);

        if (!message || !smtp_set_reverse_path(message, "sender@example.org"))
            fail("message");
        if (options.binary && !smtp_8bitmime_set_body(message, E8bitmime_BINARYMIME))
            fail("BINARYMIME");
        set_source(message);
        for (size_t r = 0; r < options.recipients; r++)
            if (!smtp_add_recipient(message, mailboxes[r]))
                fail("recipient");
    }
}

static smtp_session_t create(void)
{
    char server[256];
    smtp_session_t session = smtp_create_session();

    snprintf(server, sizeof server, "%s:%zu", options.host, options.port);
    if (!session || !smtp_set_server(session, server))
        fail("session");
    /* Otherwise the name server of this machine would be measured, too. */
    smtp_set_hostname(session, "client.example");
    if (options.events)
        smtp_set_eventcb(session, on_event, NULL);
    if (options.tls && !smtp_starttls_enable(session, Starttls_REQUIRED))
        fail("STARTTLS");
    return session;
}

static void count_sent(smtp_message_t message, void *argument)
{
    (void)argument;
    sent += smtp_message_transfer_status(message)->code == 250;
}

static void run(void)
{
    smtp_session_t session;

    if (options.whole)
        gauge_on();
    session = create();
    add_messages(session);
    if (options.send) {
        if (!options.whole) {
            heap_added = heap();
            gauge_on();
        }
        if (!smtp_start_session(session))
            fail("sending");
        if (!options.whole) {
            gauge_off();
            heap_sent = heap();
        }
        smtp_enumerate_messages(session, count_sent, NULL);
    }
    smtp_destroy_session(session);
    if (options.whole)
        gauge_off();
}

int main(int argc, char **argv)
{
    size_t heap_begun;

    options = read_options(argc, argv);
    text = make_text(options.text, options.size);
    text.repeat = options.repeat;
    if (options.source == SOURCE_FILE)
        file = text_file(&text);
    make_mailboxes();
    heap_begun = heap();
    for (size_t s = 0; s < options.sessions; s++)
        run();
    gauge_print();
    printf("sent %zu\nevents %zu\n", sent, event_count);
    printf("heap_added %zu\nheap_sent %zu\n", heap_added - heap_begun, heap_sent - heap_begun);
    if (file)
        fclose(file);
    free(mailboxes);
    free_text(&text);
    if (options.send && sent != options.messages * options.sessions) {
        fprintf(stderr, "%zu messages were not accepted\n",
                options.messages * options.sessions - sent);
        return 1;
    }
    return 0;
}
