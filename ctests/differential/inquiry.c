/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library tells: statuses, enumerations, names, error texts, versions. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"

void dump_statuses(void)
{
    struct object *object;

    for (int i = 0; (object = object_number(i)) != NULL; i++) {
        if (!object->alive || object->session != current_object(SESSION))
            continue;
        if (object->kind == MESSAGE) {
            trace_more("status %s path", object->label);
            trace_status(smtp_reverse_path_status(object->handle));
            trace_more(" transfer");
            trace_status(smtp_message_transfer_status(object->handle));
        } else if (object->kind == RECIPIENT) {
            trace_more("status %s", object->label);
            trace_status(smtp_recipient_status(object->handle));
            trace_more(" complete %d", smtp_recipient_check_complete(object->handle));
        } else if (object->kind == NODE) {
            trace_more("status %s", object->label);
            trace_status(smtp_etrn_node_status(object->handle));
        } else {
            continue;
        }
        trace_end();
    }
}

/* Status functions on the current handles, which the script may have set to NULL. */
static void inquire_statuses(void)
{
    trace_end();
    trace_more("transfer status");
    trace_status(smtp_message_transfer_status(current(MESSAGE)));
    trace(" errno %d", smtp_errno());
    trace_more("path status");
    trace_status(smtp_reverse_path_status(current(MESSAGE)));
    trace(" errno %d", smtp_errno());
    trace_more("recipient status");
    trace_status(smtp_recipient_status(current(RECIPIENT)));
    trace(" errno %d", smtp_errno());
    trace_more("node status");
    trace_status(smtp_etrn_node_status(current(NODE)));
    trace(" errno %d", smtp_errno());
}

static void message_seen(smtp_message_t message, void *arg)
{
    trace("  %s%s", label_of(MESSAGE, message), arg == callback_argument ? "" : " wrong argument");
}

static void recipient_seen(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    trace_more("  %s ", label_of(RECIPIENT, recipient));
    trace_text(mailbox);
    trace("%s", arg == callback_argument ? "" : " wrong argument");
}

static void node_seen(smtp_etrn_node_t node, int option, const char *domain, void *arg)
{
    trace_more("  %s %d ", label_of(NODE, node), option);
    trace_text(domain);
    trace("%s", arg == callback_argument ? "" : " wrong argument");
}

/* enumerate messages|recipients|nodes [none] */
static void enumerate(const struct line *line)
{
    bool none = word_is(line, 2, "none");
    int result;

    trace_end();
    if (word_is(line, 1, "messages"))
        result = smtp_enumerate_messages(current(SESSION), none ? NULL : message_seen,
                                         callback_argument);
    else if (word_is(line, 1, "recipients"))
        result = smtp_enumerate_recipients(current(MESSAGE), none ? NULL : recipient_seen,
                                           callback_argument);
    else
        result =
            smtp_etrn_enumerate_nodes(current(SESSION), none ? NULL : node_seen, callback_argument);
    trace_more("enumerated");
    trace_result(result);
}

/* strerror FIRST LAST [ROOM] */
static void error_texts(const struct line *line)
{
    char buffer[256];
    size_t room = line->count > 3 ? (size_t)number_at(line, 3) : sizeof buffer;

    trace_end();
    /* Wider than `long` may be: the last number can be the greatest one of that. */
    for (long long error = number_at(line, 1); error <= number_at(line, 2); error++) {
        char *result;

        memset(buffer, '#', sizeof buffer);
        buffer[sizeof buffer - 1] = '\0';
        result = smtp_strerror((int)error, buffer, room);
        trace_more("error %lld ", error);
        trace_text(buffer);
        trace("%s", result == buffer ? "" : result == NULL ? " NULL" : " elsewhere");
    }
}

/* version WHAT ROOM */
static void version(const struct line *line)
{
    char buffer[64] = "";
    int result = smtp_version(buffer, (size_t)number_at(line, 2), (int)number_at(line, 1));

    if (result != 0) {
        trace_more(" ");
        trace_text(buffer);
    }
    trace_result(result);
}

/* use LABEL, use null session|message|recipient|node */
static void choose(const struct line *line)
{
    static const char *const names[KINDS] = {"session", "message", "recipient", "node"};
    struct object *object;

    trace_end();
    if (!word_is(line, 1, "null")) {
        object = object_labelled(text_at(line, 1));
        set_current(object->kind, object);
        return;
    }
    for (int kind = 0; kind < KINDS; kind++)
        if (word_is(line, 2, names[kind])) {
            set_current(kind, NULL);
            return;
        }
    bad_script("use null", text_at(line, 2));
}

bool inquiry_command(const struct line *line)
{
    if (word_is(line, 0, "statuses")) {
        trace_end();
        dump_statuses();
    } else if (word_is(line, 0, "inquire")) {
        inquire_statuses();
    } else if (word_is(line, 0, "complete")) {
        trace_result(smtp_recipient_check_complete(current(RECIPIENT)));
    } else if (word_is(line, 0, "enumerate")) {
        enumerate(line);
    } else if (word_is(line, 0, "server-name")) {
        trace_more(" ");
        trace_text(smtp_get_server_name(current(SESSION)));
        trace_end();
    } else if (word_is(line, 0, "errno")) {
        trace(" %d", smtp_errno());
    } else if (word_is(line, 0, "strerror")) {
        error_texts(line);
    } else if (word_is(line, 0, "version")) {
        version(line);
    } else if (word_is(line, 0, "use")) {
        choose(line);
    } else {
        return false;
    }
    return true;
}
