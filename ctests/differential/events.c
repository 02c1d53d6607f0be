/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event and monitor callbacks: they print their arguments, give the script's answers and run
 * its reactions. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "driver.h"

char callback_argument[1];

static const struct name {
    int event;
    const char *name;
} names[] = {
    {SMTP_EV_CONNECT, "CONNECT"},
    {SMTP_EV_MAILSTATUS, "MAILSTATUS"},
    {SMTP_EV_RCPTSTATUS, "RCPTSTATUS"},
    {SMTP_EV_MESSAGEDATA, "MESSAGEDATA"},
    {SMTP_EV_MESSAGESENT, "MESSAGESENT"},
    {SMTP_EV_DISCONNECT, "DISCONNECT"},
    {SMTP_EV_SYNTAXWARNING, "SYNTAXWARNING"},
    {SMTP_EV_ETRNSTATUS, "ETRNSTATUS"},
    {SMTP_EV_EXTNA_DSN, "EXTNA_DSN"},
    {SMTP_EV_EXTNA_8BITMIME, "EXTNA_8BITMIME"},
    {SMTP_EV_EXTNA_STARTTLS, "EXTNA_STARTTLS"},
    {SMTP_EV_EXTNA_ETRN, "EXTNA_ETRN"},
    {SMTP_EV_EXTNA_CHUNKING, "EXTNA_CHUNKING"},
    {SMTP_EV_EXTNA_BINARYMIME, "EXTNA_BINARYMIME"},
    {SMTP_EV_DELIVERBY_EXPIRED, "DELIVERBY_EXPIRED"},
    {SMTP_EV_WEAK_CIPHER, "WEAK_CIPHER"},
    {SMTP_EV_STARTTLS_OK, "STARTTLS_OK"},
    {SMTP_EV_INVALID_PEER_CERTIFICATE, "INVALID_PEER_CERTIFICATE"},
    {SMTP_EV_NO_PEER_CERTIFICATE, "NO_PEER_CERTIFICATE"},
    {SMTP_EV_WRONG_PEER_CERTIFICATE, "WRONG_PEER_CERTIFICATE"},
    {SMTP_EV_NO_CLIENT_CERTIFICATE, "NO_CLIENT_CERTIFICATE"},
    {SMTP_EV_UNUSABLE_CLIENT_CERTIFICATE, "UNUSABLE_CLIENT_CERTIFICATE"},
    {SMTP_EV_UNUSABLE_CA_LIST, "UNUSABLE_CA_LIST"},
};

static struct reaction {
    char name[32];
    int occurrence;
    char command[512];
} reactions[MOST_REACTIONS];
static int reaction_count;

static struct answer {
    char name[32];
    int value;
} answers[MOST_REACTIONS];
static int answer_count;

static const char *name_of(int event)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].event == event)
            return names[i].name;
    return "UNKNOWN";
}

void answer_event(const char *name, int value)
{
    if (answer_count == MOST_REACTIONS)
        bad_script("too many answers", name);
    snprintf(answers[answer_count].name, sizeof answers[0].name, "%s", name);
    answers[answer_count++].value = value;
}

void react(const char *name, int occurrence, const char *command)
{
    struct reaction *reaction;

    if (reaction_count == MOST_REACTIONS)
        bad_script("too many reactions", name);
    reaction = &reactions[reaction_count++];
    snprintf(reaction->name, sizeof reaction->name, "%s", name);
    reaction->occurrence = occurrence;
    snprintf(reaction->command, sizeof reaction->command, "%s", command);
}

void happened(const char *name)
{
    for (int i = 0; i < reaction_count; i++)
        if (strcmp(reactions[i].name, name) == 0 && --reactions[i].occurrence == 0)
            run(reactions[i].command);
}

static void trace_answer(const char *name, int *answer)
{
    trace_more(" preset %d", *answer);
    for (int i = 0; i < answer_count; i++)
        if (strcmp(answers[i].name, name) == 0) {
            *answer = answers[i].value;
            trace_more(" answer %d", *answer);
        }
}

/* What a program would print at this event: the status that it is about. */
static void trace_arguments(int event, const char *name, va_list arguments)
{
    switch (event) {
    case SMTP_EV_MAILSTATUS: {
        const char *path = va_arg(arguments, const char *);
        smtp_message_t message = va_arg(arguments, smtp_message_t);

        trace_more(" ");
        trace_text(path);
        trace_more(" %s", label_of(MESSAGE, message));
        trace_status(smtp_reverse_path_status(message));
        break;
    }
    case SMTP_EV_RCPTSTATUS: {
        const char *mailbox = va_arg(arguments, const char *);
        smtp_recipient_t recipient = va_arg(arguments, smtp_recipient_t);

        trace_more(" ");
        trace_text(mailbox);
        trace_more(" %s", label_of(RECIPIENT, recipient));
        trace_status(smtp_recipient_status(recipient));
        break;
    }
    case SMTP_EV_MESSAGEDATA: {
        smtp_message_t message = va_arg(arguments, smtp_message_t);

        trace_more(" %s %d", label_of(MESSAGE, message), va_arg(arguments, int));
        break;
    }
    case SMTP_EV_MESSAGESENT: {
        smtp_message_t message = va_arg(arguments, smtp_message_t);

        trace_more(" %s", label_of(MESSAGE, message));
        trace_status(smtp_message_transfer_status(message));
        break;
    }
    case SMTP_EV_ETRNSTATUS: {
        int option = va_arg(arguments, int);

        trace_more(" %d ", option);
        trace_text(va_arg(arguments, const char *));
        break;
    }
    case SMTP_EV_DELIVERBY_EXPIRED:
        trace_more(" missing %ld", va_arg(arguments, long));
        trace_answer(name, va_arg(arguments, int *));
        break;
    case SMTP_EV_WEAK_CIPHER:
    case SMTP_EV_INVALID_PEER_CERTIFICATE:
        if (event == SMTP_EV_WEAK_CIPHER)
            trace_more(" %d bits", va_arg(arguments, int));
        else
            trace_more(" verify result %ld", va_arg(arguments, long));
        trace_answer(name, va_arg(arguments, int *));
        if (event == SMTP_EV_INVALID_PEER_CERTIFICATE)
            trace_connection(va_arg(arguments, void *));
        break;
    case SMTP_EV_STARTTLS_OK: {
        void *ssl = va_arg(arguments, void *);

        trace_more(" cipher %s", va_arg(arguments, const char *));
        trace_more(" %d bits", va_arg(arguments, int));
        trace_connection(ssl);
        break;
    }
    case SMTP_EV_WRONG_PEER_CERTIFICATE: {
        int *answer = va_arg(arguments, int *);

        trace_more(" ");
        trace_text(va_arg(arguments, const char *));
        trace_answer(name, answer);
        trace_connection(va_arg(arguments, void *));
        break;
    }
    case SMTP_EV_SYNTAXWARNING:
    case SMTP_EV_EXTNA_DSN:
    case SMTP_EV_EXTNA_CHUNKING:
    case SMTP_EV_EXTNA_ETRN:
    case SMTP_EV_NO_PEER_CERTIFICATE:
    case SMTP_EV_NO_CLIENT_CERTIFICATE:
        trace_answer(name, va_arg(arguments, int *));
        break;
    case SMTP_EV_EXTNA_STARTTLS:
    case SMTP_EV_UNUSABLE_CLIENT_CERTIFICATE:
    case SMTP_EV_UNUSABLE_CA_LIST:
        trace_more(" %s", va_arg(arguments, void *) == NULL ? "NULL" : "pointer");
        break;
    default:
        break;
    }
}

void event_callback(smtp_session_t session, int event, void *arg, ...)
{
    const char *name = name_of(event);
    va_list arguments;

    trace_more("event %s %d %s", name, event, label_of(SESSION, session));
    if (arg != callback_argument)
        trace_more(" wrong argument");
    va_start(arguments, arg);
    trace_arguments(event, name, arguments);
    va_end(arguments);
    trace_end();
    happened(name);
}

void monitor_callback(const char *buf, int length, int writing, void *arg)
{
    if (arg != callback_argument)
        trace_more("wrong argument ");
    if (writing == SMTP_CB_READING)
        trace_more("monitor S ");
    else if (writing == SMTP_CB_WRITING)
        trace_more("monitor C ");
    else
        trace_more("monitor H ");
    trace_bytes(buf, (size_t)length);
    trace_end();
}
