/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gauge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined __has_include
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_START_INSTRUMENTATION ((void)0)
#define CALLGRIND_STOP_INSTRUMENTATION ((void)0)
#endif

enum { LAPS_MAX = 1000 };

static long long laps[LAPS_MAX];
static int lap_count;
static long long wall_total, cpu_total, wall_begun, cpu_begun;

static long long now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

void gauge_on(void)
{
    wall_begun = now(CLOCK_MONOTONIC);
    cpu_begun = now(CLOCK_PROCESS_CPUTIME_ID);
    CALLGRIND_START_INSTRUMENTATION;
}

void gauge_off(void)
{
    CALLGRIND_STOP_INSTRUMENTATION;
    cpu_total += now(CLOCK_PROCESS_CPUTIME_ID) - cpu_begun;
    wall_begun = now(CLOCK_MONOTONIC) - wall_begun;
    wall_total += wall_begun;
    if (lap_count < LAPS_MAX)
        laps[lap_count++] = wall_begun;
}

/* Not from getrusage: its maximum begins with that of the process that forked us. */
static void print_peak(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");

    if (!status)
        return;
    while (fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            printf("peak_kib %ld\n", strtol(line + 6, NULL, 10));
    fclose(status);
}

void gauge_print(void)
{
    printf("wall_ns %lld\ncpu_ns %lld\nlaps", wall_total, cpu_total);
    for (int i = 0; i < lap_count; i++)
        printf(" %lld", laps[i]);
    putchar('\n');
    print_peak();
}
