/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search that SMTP's text needs: a line end with a dot behind it. */
#ifndef SCAN_H
#define SCAN_H

#include <stddef.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifdef __SSE2__
/* 0xff where the octet at `at` is a LF and the next one a dot. */
static inline __m128i line_dots(const char *at)
{
    __m128i octets = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(at + 1));

    return _mm_and_si128(_mm_cmpeq_epi8(octets, _mm_set1_epi8('\n')),
                         _mm_cmpeq_epi8(next, _mm_set1_epi8('.')));
}
#endif

/* The first LF that a dot follows, both before `end`; NULL if there is none. */
static inline const char *find_line_dot(const char *from, const char *end)
{
#ifdef __SSE2__
    while (end - from > 64) {
        __m128i a = line_dots(from), b = line_dots(from + 16);
        __m128i c = line_dots(from + 32), d = line_dots(from + 48);

        if (_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)))) {
            unsigned long long low = (unsigned)_mm_movemask_epi8(a)
                                     | (unsigned)_mm_movemask_epi8(b) << 16;
            unsigned long long high = (unsigned)_mm_movemask_epi8(c)
                                      | (unsigned)_mm_movemask_epi8(d) << 16;

            return from + __builtin_ctzll(low | high << 32);
        }
        from += 64;
    }
#endif
    while (end - from > 1) {
        const char *line_end = memchr(from, '\n', (size_t)(end - from) - 1);

        if (!line_end)
            return NULL;
        if (line_end[1] == '.')
            return line_end;
        from = line_end + 1;
    }
    return NULL;
}

#endif
