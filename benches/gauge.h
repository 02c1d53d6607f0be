/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is counted: time, memory, and under callgrind the instructions between on and off. */
#ifndef GAUGE_H
#define GAUGE_H

void gauge_on(void);
void gauge_off(void);

/* Prints "name value" lines. */
void gauge_print(void);

#endif
