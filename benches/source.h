/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The message callbacks of the measured application. They do next to nothing themselves. */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdio.h>

#include "text.h"

/* A line of the text at each call. */
const char *line_source(void **context, int *length, void *text);
/* 8 KiB of the text at each call; all of it as often as it says. */
const char *block_source(void **context, int *length, void *text);
/* The text in a file that has no name. */
FILE *text_file(const struct text *text);

#endif
