/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks that count, say where they failed, and go on. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>

/* Whether dlclose unloads: musl keeps what it has loaded until the process ends. */
#if defined __linux__ && !defined __GLIBC__
enum { DLCLOSE_UNLOADS = 0 };
#else
enum { DLCLOSE_UNLOADS = 1 };
#endif

static int check_count;
static int check_failures;

static inline int check_note(int good, const char *file, int line)
{
    check_count++;
    if (!good) {
        check_failures++;
        fprintf(stderr, "%s:%d: ", file, line);
    }
    return good;
}

static inline void check_true(int good, const char *what, const char *file, int line)
{
    if (!check_note(good, file, line))
        fprintf(stderr, "not so: %s\n", what);
}

static inline void check_int(long got, long want, const char *what, const char *file, int line)
{
    if (!check_note(got == want, file, line))
        fprintf(stderr, "%s is %ld, not %ld\n", what, got, want);
}

static inline void check_text(const char *got, const char *want, const char *what, const char *file,
                              int line)
{
    int same = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;

    if (!check_note(same, file, line))
        fprintf(stderr, "%s is \"%s\", not \"%s\"\n", what, got ? got : "(null)",
                want ? want : "(null)");
}

#define CHECK(condition) check_true((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_INT(got, want) check_int((long)(got), (long)(want), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, want) check_text((got), (want), #got, __FILE__, __LINE__)

/* Names the test that is running, so that a crash says where it happened. */
#define RUN(test) \
    do { \
        printf("%s\n", #test); \
        fflush(stdout); \
        test(); \
    } while (0)

/* The closing line, and the exit status of the program. */
static inline int check_done(const char *topic)
{
    if (check_failures == 0)
        printf("%s: %d checks passed\n", topic, check_count);
    else
        printf("%s: %d of %d checks failed\n", topic, check_failures, check_count);
    return check_failures != 0;
}

#endif
