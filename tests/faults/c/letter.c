/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that does nothing but send a letter: all that is odd comes from who started it. */
#include "mail.h"

int main(int argc, char **argv)
{
    return !send_letter(argc > 1 ? argv[1] : "");
}
