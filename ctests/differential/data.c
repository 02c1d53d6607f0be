/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Application data.
 *   data KIND VALUE [release]   set with smtp_..._set_application_data_release
 *   old-data KIND VALUE         set with the function that has no release callback
 *   get-data KIND
 * KIND is session, message, recipient or node. The data are the words themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static char *kept[MOST_OBJECTS];
static int kept_count;

static void *keep(const char *value)
{
    char *copy;

    if (value == NULL)
        return NULL;
    copy = malloc(strlen(value) + 1);
    if (copy == NULL || kept_count == MOST_OBJECTS)
        bad_script("out of memory", value);
    strcpy(copy, value);
    return kept[kept_count++] = copy;
}

static void release(void *data)
{
    trace("release %s", (const char *)data);
}

static void set_with_release(const struct line *line)
{
    void *data = keep(text_at(line, 2));
    void (*function)(void *) = word_is(line, 3, "release") ? release : NULL;

    trace_end();
    if (word_is(line, 1, "session"))
        smtp_set_application_data_release(current(SESSION), data, function);
    else if (word_is(line, 1, "message"))
        smtp_message_set_application_data_release(current(MESSAGE), data, function);
    else if (word_is(line, 1, "recipient"))
        smtp_recipient_set_application_data_release(current(RECIPIENT), data, function);
    else
        smtp_etrn_set_application_data_release(current(NODE), data, function);
}

static void *set_without_release(const struct line *line)
{
    void *data = keep(text_at(line, 2));

    if (word_is(line, 1, "session"))
        return smtp_set_application_data(current(SESSION), data);
    if (word_is(line, 1, "message"))
        return smtp_message_set_application_data(current(MESSAGE), data);
    if (word_is(line, 1, "recipient"))
        return smtp_recipient_set_application_data(current(RECIPIENT), data);
    return smtp_etrn_set_application_data(current(NODE), data);
}

static void *get(const struct line *line)
{
    if (word_is(line, 1, "session"))
        return smtp_get_application_data(current(SESSION));
    if (word_is(line, 1, "message"))
        return smtp_message_get_application_data(current(MESSAGE));
    if (word_is(line, 1, "recipient"))
        return smtp_recipient_get_application_data(current(RECIPIENT));
    return smtp_etrn_get_application_data(current(NODE));
}

static void trace_data(const char *data)
{
    trace(" -> %s", data ? data : "NULL");
}

void data_free(void)
{
    for (int i = 0; i < kept_count; i++)
        free(kept[i]);
}

bool data_command(const struct line *line)
{
    if (word_is(line, 0, "data"))
        set_with_release(line);
    else if (word_is(line, 0, "old-data"))
        trace_data(set_without_release(line));
    else if (word_is(line, 0, "get-data"))
        trace_data(get(line));
    else
        return false;
    return true;
}
