/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages, their recipients, headers and texts. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver.h"

static smtp_message_t message(void)
{
    return current(MESSAGE);
}

static void add_message(void)
{
    struct object *object = object_add(MESSAGE, smtp_add_message(current(SESSION)));

    trace_pointer_result(object ? object->label : NULL);
}

static void add_recipient(const char *mailbox)
{
    struct object *object = object_add(RECIPIENT, smtp_add_recipient(message(), mailbox));

    trace_pointer_result(object ? object->label : NULL);
}

/* mail PATH MAILBOX...: the message that most scenarios want. */
static void mail(const struct line *line)
{
    static char text[] = "Subject: hello\r\n\r\nHello\r\n";
    smtp_message_t added = smtp_add_message(current(SESSION));
    struct object *object = object_add(MESSAGE, added);
    int result = smtp_set_reverse_path(added, text_at(line, 1));

    trace_more(" -> %s path %d text %d", object ? object->label : "NULL", result,
               smtp_set_message_str(added, text));
    for (int i = 2; i < line->count; i++) {
        object = object_add(RECIPIENT, smtp_add_recipient(added, text_at(line, i)));
        trace_more(" %s", object ? object->label : "NULL");
    }
    trace_end();
}

/* many N: recipients user1@example.org ... */
static void add_many(const struct line *line)
{
    long count = number_at(line, 1);
    char mailbox[64] = "user";

    for (long i = 1; i <= count; i++) {
        mailbox[4] = (char)('0' + i / 100 % 10);
        mailbox[5] = (char)('0' + i / 10 % 10);
        mailbox[6] = (char)('0' + i % 10);
        strcpy(mailbox + 7, "@example.org");
        object_add(RECIPIENT, smtp_add_recipient(message(), mailbox));
    }
    trace_end();
}

/* header NAME none | text VALUE | mailbox PHRASE MAILBOX | date SECONDS | date NULL */
static void set_header(const struct line *line)
{
    const char *name = text_at(line, 1);
    time_t date;

    if (word_is(line, 2, "text")) {
        trace_result(smtp_set_header(message(), name, text_at(line, 3)));
    } else if (word_is(line, 2, "mailbox")) {
        trace_result(smtp_set_header(message(), name, text_at(line, 3), text_at(line, 4)));
    } else if (word_is(line, 2, "date") && text_at(line, 3) == NULL) {
        trace_result(smtp_set_header(message(), name, (const time_t *)NULL));
    } else if (word_is(line, 2, "date")) {
        date = (time_t)number_at(line, 3);
        trace_result(smtp_set_header(message(), name, (const time_t *)&date));
    } else {
        bad_script("header kind", text_at(line, 2));
    }
}

/* override NAME STATE, prohibit NAME STATE, option NUMBER NAME STATE */
static void set_option(const struct line *line)
{
    int option = Hdr_OVERRIDE, name = 1;

    if (word_is(line, 0, "prohibit")) {
        option = Hdr_PROHIBIT;
    } else if (word_is(line, 0, "option")) {
        option = (int)number_at(line, 1);
        name = 2;
    }
    trace_result(smtp_set_header_option(message(), text_at(line, name), (enum header_option)option,
                                        (int)number_at(line, name + 1)));
}

bool message_command(const struct line *line)
{
    if (word_is(line, 0, "mail"))
        mail(line);
    else if (word_is(line, 0, "message"))
        add_message();
    else if (word_is(line, 0, "recipient"))
        add_recipient(text_at(line, 1));
    else if (word_is(line, 0, "many"))
        add_many(line);
    else if (word_is(line, 0, "path"))
        trace_result(smtp_set_reverse_path(message(), text_at(line, 1)));
    else if (word_is(line, 0, "header"))
        set_header(line);
    else if (word_is(line, 0, "override") || word_is(line, 0, "prohibit")
             || word_is(line, 0, "option"))
        set_option(line);
    else if (word_is(line, 0, "resent"))
        trace_result(smtp_set_resent_headers(message(), (int)number_at(line, 1)));
    else if (word_is(line, 0, "source"))
        source_set(message(), current_object(MESSAGE) ? current_object(MESSAGE)->label : "none",
                   line);
    else if (word_is(line, 0, "reset-message"))
        trace_result(smtp_message_reset_status(message()));
    else if (word_is(line, 0, "reset-recipient"))
        trace_result(smtp_recipient_reset_status(current(RECIPIENT)));
    else
        return false;
    return true;
}
