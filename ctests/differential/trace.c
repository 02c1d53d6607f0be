/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The trace on standard output. Every line is flushed, so that a crash loses nothing. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "driver.h"

void trace_more(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    fflush(stdout);
}

void trace_end(void)
{
    putchar('\n');
    fflush(stdout);
}

void trace(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    trace_end();
}

void trace_bytes(const char *bytes, size_t length)
{
    putchar('"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c == '\r')
            fputs("\\r", stdout);
        else if (c == '\n')
            fputs("\\n", stdout);
        else if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < ' ' || c > '~')
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    putchar('"');
}

void trace_text(const char *text)
{
    if (text == NULL)
        fputs("NULL", stdout);
    else
        trace_bytes(text, strlen(text));
}

void trace_status(const smtp_status_t *status)
{
    if (status == NULL) {
        trace_more(" NULL");
        return;
    }
    trace_more(" %d ", status->code);
    trace_text(status->text);
    trace_more(" %d.%d.%d", status->enh_class, status->enh_subject, status->enh_detail);
}

void trace_result(int result)
{
    if (result == 0)
        trace(" -> 0 errno %d", smtp_errno());
    else
        trace(" -> %d", result);
}

void trace_pointer_result(const char *label)
{
    if (label == NULL)
        trace(" -> NULL errno %d", smtp_errno());
    else
        trace(" -> %s", label);
}
