/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints what a compiler makes of the headers: constants, sizes, places, kinds of enums. The
 * exit status says whether the constants have the values that they must have. */
#include <stddef.h>
#include <stdio.h>

#include <openssl/ssl.h>

#include <auth-client.h>
#include <libesmtp.h>

#include "constants.h"

#define SIZE(type) printf("sizeof(%s) = %u\n", #type, (unsigned)sizeof(type));

#define PLACE(type, field) \
    printf("%s.%s at %u, %u bytes\n", #type, #field, (unsigned)offsetof(type, field), \
           (unsigned)sizeof(((type *)0)->field));

/* The type that the compiler chose for an enum is how its values are passed. */
#define KIND(type) printf("%s is %s\n", #type, (type) - 1 < (type)0 ? "signed" : "unsigned");

int main(void)
{
    int wrong = 0;

#define CONSTANT(name, value) \
    printf("%s = %ld\n", #name, (long)(name)); \
    if ((long)(name) != (long)(value)) \
        wrong = 1;

    CONSTANTS

    SIZE(smtp_session_t)
    SIZE(smtp_message_t)
    SIZE(smtp_recipient_t)
    SIZE(smtp_etrn_node_t)
    SIZE(auth_context_t)
    SIZE(smtp_status_t)
    SIZE(struct smtp_status)
    SIZE(struct auth_client_request)
    SIZE(auth_client_request_t)
    SIZE(smtp_eventcb_t)
    PLACE(smtp_status_t, code)
    PLACE(smtp_status_t, text)
    PLACE(smtp_status_t, enh_class)
    PLACE(smtp_status_t, enh_subject)
    PLACE(smtp_status_t, enh_detail)
    PLACE(struct auth_client_request, name)
    PLACE(struct auth_client_request, flags)
    PLACE(struct auth_client_request, prompt)
    PLACE(struct auth_client_request, size)
    SIZE(enum header_option)
    SIZE(enum rfc2822_timeouts)
    SIZE(enum ret_flags)
    SIZE(enum notify_flags)
    SIZE(enum e8bitmime_body)
    SIZE(enum by_mode)
    SIZE(enum starttls_option)
    KIND(enum header_option)
    KIND(enum rfc2822_timeouts)
    KIND(enum ret_flags)
    KIND(enum notify_flags)
    KIND(enum e8bitmime_body)
    KIND(enum by_mode)
    KIND(enum starttls_option)
    return wrong;
}
