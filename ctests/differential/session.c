/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Session, server, time-outs, options, ETRN nodes; start and destroy. */
#include <string.h>

#include "driver.h"

static smtp_session_t session(void)
{
    return current(SESSION);
}

static int timeout_named(const struct line *line)
{
    static const char *const names[] = {"GREETING", "ENVELOPE", "DATA", "TRANSFER", "DATA2"};

    for (int i = 0; i < 5; i++)
        if (word_is(line, 1, names[i]))
            return i;
    return (int)number_at(line, 1);
}

static void set_timeout(const struct line *line, int flag)
{
    long result = smtp_set_timeout(session(), timeout_named(line) | flag, number_at(line, 2));

    if (result == 0)
        trace_result(0);
    else
        trace(" -> %ld", result);
}

static void start(void)
{
    int result;

    trace_end();
    result = smtp_start_session(session());
    trace("start -> %d errno %d", result, smtp_errno());
    dump_statuses();
}

static void destroy(void)
{
    struct object *object = current_object(SESSION);
    int result;

    trace_end();
    result = smtp_destroy_session(session());
    trace_more("destroy");
    trace_result(result);
    if (result != 0 && object != NULL)
        session_died(object);
}

static void create(void)
{
    struct object *object = object_add(SESSION, smtp_create_session());

    if (object != NULL)
        object->session = object;
    trace_pointer_result(object ? object->label : NULL);
}

static void add_node(const struct line *line)
{
    int option = word_is(line, 1, "@") ? '@' : (int)number_at(line, 1);
    struct object *node = object_add(NODE, smtp_etrn_add_node(session(), option, text_at(line, 2)));

    trace_pointer_result(node ? node->label : NULL);
}

static void set_server(const char *text)
{
    char hostport[512] = "";
    const char *port = text ? strstr(text, "$PORT") : NULL;

    if (port == NULL) {
        trace_result(smtp_set_server(session(), text));
        return;
    }
    strncat(hostport, text, (size_t)(port - text));
    strncat(hostport, server_port, 8);
    strncat(hostport, port + 5, 100);
    trace_result(smtp_set_server(session(), hostport));
}

static void set_events(const struct line *line)
{
    if (word_is(line, 1, "on"))
        trace_result(smtp_set_eventcb(session(), event_callback, callback_argument));
    else
        trace_result(smtp_set_eventcb(session(), NULL, NULL));
}

static void set_monitor(const struct line *line)
{
    if (word_is(line, 1, "off"))
        trace_result(smtp_set_monitorcb(session(), NULL, NULL, 0));
    else
        trace_result(smtp_set_monitorcb(session(), monitor_callback, callback_argument,
                                        word_is(line, 1, "headers")));
}

/* The session that most scenarios want. */
static void set_up(void)
{
    trace_end();
    run("session");
    run("server 127.0.0.1:$PORT");
    run("hostname client.example.org");
    run("events on");
    run("monitor on");
}

bool session_command(const struct line *line)
{
    if (word_is(line, 0, "setup"))
        set_up();
    else if (word_is(line, 0, "session"))
        create();
    else if (word_is(line, 0, "server"))
        set_server(text_at(line, 1));
    else if (word_is(line, 0, "hostname"))
        trace_result(smtp_set_hostname(session(), text_at(line, 1)));
    else if (word_is(line, 0, "events"))
        set_events(line);
    else if (word_is(line, 0, "monitor"))
        set_monitor(line);
    else if (word_is(line, 0, "timeout"))
        set_timeout(line, Timeout_OVERRIDE_RFC2822_MINIMUM);
    else if (word_is(line, 0, "timeout-at-least"))
        set_timeout(line, 0);
    else if (word_is(line, 0, "require-all"))
        trace_result(smtp_option_require_all_recipients(session(), (int)number_at(line, 1)));
    else if (word_is(line, 0, "starttls"))
        trace_result(smtp_starttls_enable(session(), (enum starttls_option)number_at(line, 1)));
    else if (word_is(line, 0, "etrn"))
        add_node(line);
    else if (word_is(line, 0, "start"))
        start();
    else if (word_is(line, 0, "destroy"))
        destroy();
    else
        return false;
    return true;
}
