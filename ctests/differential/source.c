/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Message texts.
 *   source string TEXT            the library's string callback
 *   source file TEXT              the library's FILE callback, on a temporary file
 *   source cut N TEXT             own callback, blocks of N bytes
 *   source lines TEXT             own callback, a block a line
 *   source blocks END BLOCK...    own callback, these blocks; an empty block is an end that is not
 * the last END: zero (length 0), untouched (NULL, length not written), null (NULL, length 5), or an
 * errno to fail with.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static struct source *sources[MOST_OBJECTS];
static FILE *files[MOST_OBJECTS];
static char *texts[MOST_OBJECTS];
static int source_count, file_count, text_count;

/* The callback's context is allocated here and released by the library. */
struct position {
    int block;
};

static const char *end_of(const struct source *source, int *length)
{
    switch (source->end) {
    case END_UNTOUCHED:
        break;
    case END_NULL_BLOCK:
        *length = 5;
        break;
    case END_ERRNO:
        errno = source->error;
        *length = 0;
        break;
    case END_ZERO:
        *length = 0;
    }
    return NULL;
}

static const char *read_source(void **context, int *length, void *arg)
{
    struct source *source = arg;
    struct position *position = *context;
    const struct word *block;

    if (length == NULL) {
        trace("source %s rewind, context %s", source->label, position ? "kept" : "NULL");
        if (position != NULL)
            position->block = 0;
        happened("rewind");
        return NULL;
    }
    happened("read");
    if (position == NULL) {
        *context = position = calloc(1, sizeof *position);
        if (position == NULL)
            bad_script("out of memory", "");
    }
    if (position->block == source->count)
        return end_of(source, length);
    block = &source->blocks[position->block++];
    if (block->length == 0)
        return NULL;
    *length = (int)block->length;
    return block->bytes;
}

static void add_block(struct source *source, const char *bytes, size_t length)
{
    struct word *blocks = realloc(source->blocks, (size_t)(source->count + 1) * sizeof *blocks);
    struct word block;

    block.bytes = malloc(length + 1);
    block.length = length;
    if (blocks == NULL || block.bytes == NULL)
        bad_script("out of memory", "");
    memcpy(block.bytes, bytes, length);
    source->blocks = blocks;
    source->blocks[source->count++] = block;
}

static void cut(struct source *source, struct word text, size_t size)
{
    for (size_t at = 0; at < text.length; at += size)
        add_block(source, text.bytes + at, text.length - at < size ? text.length - at : size);
}

static void cut_lines(struct source *source, struct word text)
{
    for (size_t at = 0, end; at < text.length; at = end) {
        const char *feed = memchr(text.bytes + at, '\n', text.length - at);

        end = feed ? (size_t)(feed - text.bytes) + 1 : text.length;
        add_block(source, text.bytes + at, end - at);
    }
}

static FILE *temporary_file(struct word text)
{
    FILE *file = tmpfile();

    if (file == NULL || fwrite(text.bytes, 1, text.length, file) != text.length)
        bad_script("temporary file", "");
    /* Not rewound: that is the library's part. */
    return files[file_count++] = file;
}

static const char *kept_text(struct word text)
{
    char *copy = calloc(text.length + 1, 1);

    if (copy == NULL)
        bad_script("out of memory", "");
    memcpy(copy, text.bytes, text.length);
    return texts[text_count++] = copy;
}

static struct source *own_source(const char *label)
{
    struct source *source = calloc(1, sizeof *source);

    if (source == NULL)
        bad_script("out of memory", "");
    source->label = label;
    return sources[source_count++] = source;
}

static void set_end(struct source *source, const struct line *line)
{
    if (word_is(line, 2, "untouched")) {
        source->end = END_UNTOUCHED;
    } else if (word_is(line, 2, "null")) {
        source->end = END_NULL_BLOCK;
    } else if (!word_is(line, 2, "zero")) {
        source->end = END_ERRNO;
        source->error = (int)number_at(line, 2);
    }
}

void source_set(smtp_message_t message, const char *label, const struct line *line)
{
    struct source *source;

    if (file_count == MOST_OBJECTS || text_count == MOST_OBJECTS || source_count == MOST_OBJECTS)
        bad_script("too many sources", "");
    if (word_is(line, 1, "NULL") || text_at(line, 1) == NULL) {
        trace_result(smtp_set_messagecb(message, NULL, NULL));
        return;
    }
    if (word_is(line, 1, "string")) {
        /* The macro casts nothing, and the callback only reads. */
        trace_result(smtp_set_message_str(message, (void *)kept_text(word_at(line, 2))));
        return;
    }
    if (word_is(line, 1, "file")) {
        trace_result(smtp_set_message_fp(message, temporary_file(word_at(line, 2))));
        return;
    }
    source = own_source(label);
    if (word_is(line, 1, "cut")) {
        cut(source, word_at(line, 3), (size_t)number_at(line, 2));
    } else if (word_is(line, 1, "lines")) {
        cut_lines(source, word_at(line, 2));
    } else if (word_is(line, 1, "blocks")) {
        set_end(source, line);
        for (int i = 3; i < line->count; i++)
            add_block(source, line->words[i].bytes, line->words[i].length);
    } else {
        bad_script("source", text_at(line, 1));
    }
    trace_result(smtp_set_messagecb(message, read_source, source));
}

void sources_free(void)
{
    for (int i = 0; i < file_count; i++)
        fclose(files[i]);
    for (int i = 0; i < text_count; i++)
        free(texts[i]);
    for (int i = 0; i < source_count; i++) {
        for (int j = 0; j < sources[i]->count; j++)
            free(sources[i]->blocks[j].bytes);
        free(sources[i]->blocks);
        free(sources[i]);
    }
}
