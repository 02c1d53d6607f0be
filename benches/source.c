/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include <stdlib.h>

enum { BLOCK = 8192 };

/* How far we are is kept where the library frees it. */
static size_t *position(void **context, const int *length)
{
    if (!*context)
        *context = must_allocate(sizeof(size_t));
    if (!length)
        *(size_t *)*context = 0;
    return *context;
}

const char *line_source(void **context, int *length, void *argument)
{
    const struct text *text = argument;
    size_t *next = position(context, length), start;

    if (!length)
        return NULL;
    *length = 0;
    if (*next == text->count)
        return NULL;
    start = *next ? text->lines[*next - 1] : 0;
    *length = (int)(text->lines[(*next)++] - start);
    return text->octets + start;
}

const char *block_source(void **context, int *length, void *argument)
{
    const struct text *text = argument;
    size_t *next = position(context, length), start, rest;

    if (!length)
        return NULL;
    start = *next % text->length;
    rest = text->length - start;
    if (*next == text->length * text->repeat)
        rest = 0;
    *length = (int)(rest < BLOCK ? rest : BLOCK);
    *next += (size_t)*length;
    return text->octets + start;
}

FILE *text_file(const struct text *text)
{
    FILE *file = tmpfile();

    if (!file || fwrite(text->octets, 1, text->length, file) != text->length || fflush(file)) {
        perror("temporary file");
        exit(2);
    }
    return file;
}
