/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of a base64 body (RFC 2045 §6.8), and a body without line breaks. */
enum { COLUMNS = 76, LONG_COLUMNS = 65534 };

static const char *const headers[] = {
    "Date: Mon, 02 Jan 2006 15:04:05 +0000",
    "From: sender@example.org",
    "To: recipient@example.org",
    "Message-Id: <1@client.example>",
    "Subject: a measured message",
    "",
};

void *must_allocate(size_t size)
{
    void *memory = malloc(size ? size : 1);

    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

/* Grows as the text grows; the room for lines doubles. */
struct builder {
    struct text text;
    size_t room;
    const char *line_end;
};

static void end_line(struct builder *builder)
{
    struct text *text = &builder->text;
    size_t length = strlen(builder->line_end);

    memcpy(text->octets + text->length, builder->line_end, length);
    text->length += length;
    if (text->count == builder->room) {
        size_t *lines = must_allocate(2 * builder->room * sizeof *lines);

        memcpy(lines, text->lines, text->count * sizeof *lines);
        free(text->lines);
        text->lines = lines;
        builder->room *= 2;
    }
    text->lines[text->count++] = text->length;
}

static void add_header(struct builder *builder, const char *header)
{
    size_t length = strlen(header);

    memcpy(builder->text.octets + builder->text.length, header, length);
    builder->text.length += length;
    end_line(builder);
}

static void add_line(struct builder *builder, size_t columns, bool dot)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *line = builder->text.octets + builder->text.length;

    for (size_t i = 0; i < columns; i++)
        line[i] = letters[(i * 7 + builder->text.count) % (sizeof letters - 1)];
    if (dot && columns)
        line[0] = '.';
    builder->text.length += columns;
    end_line(builder);
}

struct text make_text(enum kind kind, size_t size)
{
    size_t columns = kind == KIND_LONG ? LONG_COLUMNS : COLUMNS;
    struct builder builder = {.text.repeat = 1, .room = 64};
    size_t end;

    builder.line_end = kind == KIND_LF ? "\n" : "\r\n";
    end = strlen(builder.line_end);
    builder.text.octets = must_allocate(size + 1024);
    builder.text.lines = must_allocate(builder.room * sizeof *builder.text.lines);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        add_header(&builder, headers[i]);
    while (builder.text.length < size) {
        size_t rest = size - builder.text.length;

        /* The last lines share what is left, so that none is shorter than its end. */
        if (rest >= columns + 2 * end)
            rest = columns + end;
        else if (rest > columns + end)
            rest = columns;
        add_line(&builder, rest > end ? rest - end : 0, kind == KIND_DOTS);
    }
    builder.text.octets[builder.text.length] = '\0';
    return builder.text;
}

void free_text(struct text *text)
{
    free(text->octets);
    free(text->lines);
}
