/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refers to every function and type of the headers, so that the debug information of this file
 * describes them all. It is linked to nothing and never run. */
#define LIBESMTP_ENABLE_DEPRECATED_SYMBOLS 1

#include <stddef.h>

#include <openssl/ssl.h>

#include <auth-client.h>
#include <libesmtp.h>

#include "functions.h"

#define FUNCTION(name) \
    extern __typeof__(name) *surface_##name; \
    __typeof__(name) *surface_##name = name;

FUNCTIONS

extern smtp_status_t surface_status;
extern struct auth_client_request surface_request;
extern auth_client_request_t surface_request_pointer;
extern auth_interact_t surface_interact;
extern auth_response_t surface_response;
extern auth_recode_t surface_recode;
extern smtp_messagecb_t surface_message;
extern smtp_eventcb_t surface_event;
extern smtp_monitorcb_t surface_monitor;
extern smtp_enumerate_messagecb_t surface_on_message;
extern smtp_enumerate_recipientcb_t surface_on_recipient;
extern smtp_etrn_enumerate_nodecb_t surface_on_node;
extern smtp_starttls_passwordcb_t surface_password;
extern enum rfc2822_timeouts surface_timeouts;

smtp_status_t surface_status;
struct auth_client_request surface_request;
auth_client_request_t surface_request_pointer;
auth_interact_t surface_interact;
auth_response_t surface_response;
auth_recode_t surface_recode;
smtp_messagecb_t surface_message;
smtp_eventcb_t surface_event;
smtp_monitorcb_t surface_monitor;
smtp_enumerate_messagecb_t surface_on_message;
smtp_enumerate_recipientcb_t surface_on_recipient;
smtp_etrn_enumerate_nodecb_t surface_on_node;
smtp_starttls_passwordcb_t surface_password;
enum rfc2822_timeouts surface_timeouts;
