/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Local time, asked in C: where a C library has a time_t of 32 bits and one of 64, the compiler is
 * told which one the system's programs use, and Rust's libc crate is not. */

#define _DEFAULT_SOURCE

#include <stdint.h>
#include <time.h>

int esmtp_local_offset(int64_t seconds, int32_t *offset);

/* Lays down the seconds that local time is ahead of universal time; 0 if the system cannot
 * represent it. */
int esmtp_local_offset(int64_t seconds, int32_t *offset)
{
    time_t moment = (time_t)seconds;
    struct tm local;

    if (moment != seconds || localtime_r(&moment, &local) == NULL)
        return 0;
    *offset = (int32_t)local.tm_gmtoff;
    return 1;
}
