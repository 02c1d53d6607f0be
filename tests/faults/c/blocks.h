/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A text of many blocks of a megabyte. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <string.h>

struct blocks {
    long count;
    /* Whether its lines end as on the wire. */
    int crlf;
    long given;
};

static inline const char *give_blocks(void **ctx, int *len, void *arg)
{
    enum { SIZE = 1 << 20, LINE = 78 };
    static char block[SIZE];
    struct blocks *text = arg;
    int at;

    (void)ctx;
    if (len == NULL) {
        text->given = 0;
        memset(block, 'x', SIZE);
        for (at = LINE - 2; at + 2 < SIZE; at += LINE)
            memcpy(block + at, text->crlf ? "\r\n" : "x\n", 2);
        memcpy(block, "Subject: x\r\n\r\n", 14);
        return NULL;
    }
    *len = text->given++ < text->count ? SIZE : 0;
    return block;
}

#endif
