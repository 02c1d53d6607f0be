/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search that SMTP's text needs: a line end with a dot behind it. */
#ifndef SCAN_H
#define SCAN_H

#include <stddef.h>
#include <string.h>
#if defined __AVX2__
#include <immintrin.h>
typedef __m256i vector;
#define VECTOR_LOAD(at) _mm256_loadu_si256((const vector *)(const void *)(at))
#define VECTOR_FIND(octets, wanted) _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(wanted))
#define VECTOR_AND _mm256_and_si256
#define VECTOR_OR _mm256_or_si256
#define VECTOR_MASK(octets) (unsigned)_mm256_movemask_epi8(octets)
#elif defined __SSE2__
#include <emmintrin.h>
typedef __m128i vector;
#define VECTOR_LOAD(at) _mm_loadu_si128((const vector *)(const void *)(at))
#define VECTOR_FIND(octets, wanted) _mm_cmpeq_epi8(octets, _mm_set1_epi8(wanted))
#define VECTOR_AND _mm_and_si128
#define VECTOR_OR _mm_or_si128
#define VECTOR_MASK(octets) (unsigned)_mm_movemask_epi8(octets)
#endif

#ifdef VECTOR_LOAD
/* Not zero where the octet at `at` is a LF and the next one a dot. */
static inline vector line_dots(const char *at)
{
    return VECTOR_AND(VECTOR_FIND(VECTOR_LOAD(at), '\n'), VECTOR_FIND(VECTOR_LOAD(at + 1), '.'));
}
#endif

/* The first LF that a dot follows, both before `end`; NULL if there is none. */
static inline const char *find_line_dot(const char *from, const char *end)
{
#ifdef VECTOR_LOAD
    const ptrdiff_t width = sizeof(vector);

    while (end - from > 4 * width) {
        vector a = line_dots(from), b = line_dots(from + width);
        vector c = line_dots(from + 2 * width), d = line_dots(from + 3 * width);

        if (VECTOR_MASK(VECTOR_OR(VECTOR_OR(a, b), VECTOR_OR(c, d)))) {
            unsigned found;

            while (!(found = VECTOR_MASK(line_dots(from))))
                from += width;
            return from + __builtin_ctz(found);
        }
        from += 4 * width;
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
