/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two entry points with variable arguments, which stable Rust cannot define. Rust says
 * which arguments a header takes; this file reads them and hands them on. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* What follows the header's name; the numbers are those of `ValueKind` in header.rs. */
enum value_kind {
    VALUE_NONE = 0,   /* the header cannot be set; the error is set */
    VALUE_DATE = 1,   /* const time_t * */
    VALUE_TEXT = 2,   /* const char *, which may be NULL */
    VALUE_MAILBOX = 3 /* const char *phrase, const char *mailbox */
};

int esmtp_header_value_kind(void *message, const char *header);
int esmtp_set_header_date(void *message, const char *header, const int64_t *value);
int esmtp_set_header_text(void *message, const char *header, const char *value);
int esmtp_set_header_mailbox(void *message, const char *header, const char *phrase,
                             const char *mailbox);
int esmtp_set_header_option(void *message, const char *header, int option, int value);

int smtp_set_header(void *message, const char *header, ...);
int smtp_set_header_option(void *message, const char *header, int option, ...);

int smtp_set_header(void *message, const char *header, ...)
{
    va_list arguments;
    int done = 0;

    va_start(arguments, header);
    switch (esmtp_header_value_kind(message, header)) {
    case VALUE_DATE: {
        const time_t *moment = va_arg(arguments, const time_t *);
        int64_t seconds = moment != NULL ? *moment : 0;

        done = esmtp_set_header_date(message, header, moment != NULL ? &seconds : NULL);
    } break;
    case VALUE_TEXT:
        done = esmtp_set_header_text(message, header, va_arg(arguments, const char *));
        break;
    case VALUE_MAILBOX: {
        const char *phrase = va_arg(arguments, const char *);
        const char *mailbox = va_arg(arguments, const char *);

        done = esmtp_set_header_mailbox(message, header, phrase, mailbox);
    } break;
    }
    va_end(arguments);
    return done;
}

int smtp_set_header_option(void *message, const char *header, int option, ...)
{
    va_list arguments;
    int done;

    /* Every option takes an int. */
    va_start(arguments, option);
    done = esmtp_set_header_option(message, header, option, va_arg(arguments, int));
    va_end(arguments);
    return done;
}
