/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message to send: all headers that a library would supply are there, so that every
 * program sends the same octets. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

#include "options.h"

struct text {
    char *octets; /* NUL behind them */
    size_t length;
    size_t *lines; /* where each line ends */
    size_t count;
    size_t repeat;
};

/* A text of `size` octets, or of the headers alone if they need more. */
struct text make_text(enum kind kind, size_t size);
void free_text(struct text *text);

/* Ends the program if there is no memory. */
void *must_allocate(size_t size);

#endif
