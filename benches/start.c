/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shortest program that uses the library: what it costs is loading it. */
#include <stddef.h>

#include <libesmtp.h>

int main(void)
{
    char version[32];

    return !smtp_version(version, sizeof version, Ver_VERSION);
}
