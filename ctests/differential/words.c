/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Splits a script line into words, with quotes and escapes: \r \n \t \0 \\ \" \xHH, \{3:ab} for
 * ababab. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

struct buffer {
    char *bytes;
    size_t length, room;
};

void bad_script(const char *what, const char *detail)
{
    printf("script error: %s: %s\n", what, detail);
    fflush(stdout);
    exit(3);
}

static void append(struct buffer *buffer, char c)
{
    if (buffer->length + 1 >= buffer->room) {
        buffer->room = buffer->room ? 2 * buffer->room : 64;
        buffer->bytes = realloc(buffer->bytes, buffer->room);
        if (buffer->bytes == NULL)
            bad_script("out of memory", "");
    }
    buffer->bytes[buffer->length++] = c;
    buffer->bytes[buffer->length] = '\0';
}

static const char *escape(struct buffer *buffer, const char *p);

static const char *repetition(struct buffer *buffer, const char *p)
{
    char *colon;
    long count = strtol(p, &colon, 10);
    const char *end = colon;

    if (*colon != ':')
        bad_script("repetition", p);
    for (; count > 0; count--)
        for (end = colon + 1; *end != '}';) {
            if (*end == '\0')
                bad_script("repetition", p);
            if (*end == '\\')
                end = escape(buffer, end + 1);
            else
                append(buffer, *end++);
        }
    return end + 1;
}

/* `p` is behind the backslash; returns what follows the escape. */
static const char *escape(struct buffer *buffer, const char *p)
{
    char digits[3] = "";

    switch (*p) {
    case 'r':
        append(buffer, '\r');
        break;
    case 'n':
        append(buffer, '\n');
        break;
    case 't':
        append(buffer, '\t');
        break;
    case '0':
        append(buffer, '\0');
        break;
    case 'x':
        memcpy(digits, p + 1, 2);
        append(buffer, (char)strtol(digits, NULL, 16));
        return p + 3;
    case '{':
        return repetition(buffer, p + 1);
    default:
        append(buffer, *p);
    }
    return p + 1;
}

void line_split(struct line *line, const char *p)
{
    line->count = 0;
    for (;;) {
        struct buffer buffer = {NULL, 0, 0};
        bool quoted = false, was_quoted = false;

        while (*p == ' ')
            p++;
        if (*p == '\0' || *p == '\n')
            return;
        append(&buffer, '\0');
        buffer.length = 0;
        while (*p != '\0' && *p != '\n' && (quoted || *p != ' ')) {
            if (*p == '"') {
                quoted = !quoted;
                was_quoted = true;
                p++;
            } else if (*p == '\\') {
                p = escape(&buffer, p + 1);
            } else {
                append(&buffer, *p++);
            }
        }
        if (line->count == MOST_WORDS)
            bad_script("too many words", p);
        if (!was_quoted && strcmp(buffer.bytes, "NULL") == 0) {
            free(buffer.bytes);
            buffer.bytes = NULL;
            buffer.length = 0;
        }
        line->words[line->count].bytes = buffer.bytes;
        line->words[line->count++].length = buffer.length;
    }
}

void line_free(struct line *line)
{
    for (int i = 0; i < line->count; i++)
        free(line->words[i].bytes);
    line->count = 0;
}

struct word word_at(const struct line *line, int index)
{
    if (index >= line->count)
        bad_script("word missing after", text_at(line, 0));
    return line->words[index];
}

const char *text_at(const struct line *line, int index)
{
    return word_at(line, index).bytes;
}

long number_at(const struct line *line, int index)
{
    const char *text = text_at(line, index);
    char *end;
    long value = strtol(text ? text : "", &end, 0);

    if (text == NULL || end == text || *end != '\0')
        bad_script("number expected", text ? text : "NULL");
    return value;
}

bool word_is(const struct line *line, int index, const char *expected)
{
    return index < line->count && line->words[index].bytes != NULL
           && strcmp(line->words[index].bytes, expected) == 0;
}
