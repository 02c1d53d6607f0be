/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every declaration once more, by hand. A compiler refuses two that do not agree; a C++ compiler
 * is stricter about enums, so this is compiled as both. It is linked and run, so that each
 * function is there too. */
#define LIBESMTP_ENABLE_DEPRECATED_SYMBOLS 1

#include <stddef.h>

#include <openssl/ssl.h>

#include <auth-client.h>
#include <libesmtp.h>

#include "functions.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Types: a typedef may be repeated if it says the same. */
typedef struct smtp_session *smtp_session_t;
typedef struct smtp_message *smtp_message_t;
typedef struct smtp_recipient *smtp_recipient_t;
typedef struct smtp_etrn_node *smtp_etrn_node_t;
typedef struct smtp_status smtp_status_t;
typedef struct auth_context *auth_context_t;
typedef const struct auth_client_request *auth_client_request_t;
typedef int (*auth_interact_t)(auth_client_request_t, char **, int, void *);
typedef const char *(*auth_response_t)(void *, const char *, int *, auth_interact_t, void *);
typedef int (*auth_recode_t)(void *, char **, int *, const char *, int);
typedef const char *(*smtp_messagecb_t)(void **, int *, void *);
typedef void (*smtp_eventcb_t)(smtp_session_t, int, void *, ...);
typedef void (*smtp_monitorcb_t)(const char *, int, int, void *);
typedef void (*smtp_enumerate_messagecb_t)(smtp_message_t, void *);
typedef void (*smtp_enumerate_recipientcb_t)(smtp_recipient_t, const char *, void *);
typedef void (*smtp_etrn_enumerate_nodecb_t)(smtp_etrn_node_t, int, const char *, void *);
typedef int (*smtp_starttls_passwordcb_t)(char *, int, int, void *);
typedef void (*release_t)(void *);

/* Sessions. */
smtp_session_t smtp_create_session(void);
int smtp_set_server(smtp_session_t, const char *);
const char *smtp_get_server_name(smtp_session_t);
int smtp_set_hostname(smtp_session_t, const char *);
int smtp_set_eventcb(smtp_session_t, smtp_eventcb_t, void *);
int smtp_set_monitorcb(smtp_session_t, smtp_monitorcb_t, void *, int);
long smtp_set_timeout(smtp_session_t, int, long);
int smtp_option_require_all_recipients(smtp_session_t, int);
int smtp_start_session(smtp_session_t);
int smtp_destroy_session(smtp_session_t);

/* Messages. */
smtp_message_t smtp_add_message(smtp_session_t);
int smtp_enumerate_messages(smtp_session_t, smtp_enumerate_messagecb_t, void *);
int smtp_set_reverse_path(smtp_message_t, const char *);
int smtp_set_messagecb(smtp_message_t, smtp_messagecb_t, void *);
const char *_smtp_message_fp_cb(void **, int *, void *);
const char *_smtp_message_str_cb(void **, int *, void *);
int smtp_set_header(smtp_message_t, const char *, ...);
int smtp_set_header_option(smtp_message_t, const char *, enum header_option, ...);
int smtp_set_resent_headers(smtp_message_t, int);
const smtp_status_t *smtp_message_transfer_status(smtp_message_t);
const smtp_status_t *smtp_reverse_path_status(smtp_message_t);
int smtp_message_reset_status(smtp_message_t);

/* Recipients. */
smtp_recipient_t smtp_add_recipient(smtp_message_t, const char *);
int smtp_enumerate_recipients(smtp_message_t, smtp_enumerate_recipientcb_t, void *);
const smtp_status_t *smtp_recipient_status(smtp_recipient_t);
int smtp_recipient_check_complete(smtp_recipient_t);
int smtp_recipient_reset_status(smtp_recipient_t);

/* Extensions. */
int smtp_dsn_set_ret(smtp_message_t, enum ret_flags);
int smtp_dsn_set_envid(smtp_message_t, const char *);
int smtp_dsn_set_notify(smtp_recipient_t, enum notify_flags);
int smtp_dsn_set_orcpt(smtp_recipient_t, const char *, const char *);
int smtp_size_set_estimate(smtp_message_t, unsigned long);
int smtp_8bitmime_set_body(smtp_message_t, enum e8bitmime_body);
int smtp_deliverby_set_mode(smtp_message_t, long, enum by_mode, int);
smtp_etrn_node_t smtp_etrn_add_node(smtp_session_t, int, const char *);
int smtp_etrn_enumerate_nodes(smtp_session_t, smtp_etrn_enumerate_nodecb_t, void *);
const smtp_status_t *smtp_etrn_node_status(smtp_etrn_node_t);
int smtp_starttls_enable(smtp_session_t, enum starttls_option);
int smtp_starttls_set_ctx(smtp_session_t, SSL_CTX *);
int smtp_starttls_set_password_cb(smtp_starttls_passwordcb_t, void *);

/* Application data. */
void *smtp_set_application_data(smtp_session_t, void *);
void smtp_set_application_data_release(smtp_session_t, void *, release_t);
void *smtp_get_application_data(smtp_session_t);
void *smtp_message_set_application_data(smtp_message_t, void *);
void smtp_message_set_application_data_release(smtp_message_t, void *, release_t);
void *smtp_message_get_application_data(smtp_message_t);
void *smtp_recipient_set_application_data(smtp_recipient_t, void *);
void smtp_recipient_set_application_data_release(smtp_recipient_t, void *, release_t);
void *smtp_recipient_get_application_data(smtp_recipient_t);
void *smtp_etrn_set_application_data(smtp_etrn_node_t, void *);
void smtp_etrn_set_application_data_release(smtp_etrn_node_t, void *, release_t);
void *smtp_etrn_get_application_data(smtp_etrn_node_t);

/* Errors and version. */
int smtp_errno(void);
char *smtp_strerror(int, char *, size_t);
int smtp_version(void *, size_t, int);

/* Authentication. */
int smtp_auth_set_context(smtp_session_t, auth_context_t);
void auth_client_init(void);
void auth_client_exit(void);
auth_context_t auth_create_context(void);
int auth_destroy_context(auth_context_t);
int auth_set_mechanism_flags(auth_context_t, unsigned, unsigned);
int auth_set_mechanism_ssf(auth_context_t, int);
int auth_set_interact_cb(auth_context_t, auth_interact_t, void *);
int auth_client_enabled(auth_context_t);
int auth_set_mechanism(auth_context_t, const char *);
const char *auth_mechanism_name(auth_context_t);
const char *auth_response(auth_context_t, const char *, int *);
int auth_get_ssf(auth_context_t);
void auth_encode(char **, int *, const char *, int, void *);
void auth_decode(char **, int *, const char *, int, void *);
int auth_set_external_id(auth_context_t, const char *);

#ifdef OURS
SSL_CTX *smtp_starttls_get_ctx(smtp_session_t);
#endif

#ifdef __cplusplus
}
#endif

typedef void (*function_t)(void);

int main(void)
{
#define FUNCTION(name) (function_t) name,
    function_t functions[] = {FUNCTIONS
#ifdef OURS
                              (function_t) smtp_starttls_get_ctx,
#endif
                              NULL};
    size_t count = 0;

    while (functions[count] != NULL)
        count++;
    return count + 1 == sizeof functions / sizeof functions[0] ? 0 : 1;
}
