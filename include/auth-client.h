/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication (SASL) for libesmtp.h, which is included after this. */

#ifndef _auth_client_h
#define _auth_client_h

/* Made by cbindgen from src/ffi: see cbindgen.toml. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The name of a user.
 */
#define AUTH_USER 1

/**
 * The realm or domain that a user belongs to.
 */
#define AUTH_REALM 2

/**
 * What only the user knows.
 */
#define AUTH_PASS 4

/**
 * The field is sent as it is.
 */
#define AUTH_CLEARTEXT 8

/**
 * The mechanism tells the server nothing about the user.
 */
#define AUTH_PLUGIN_ANONYMOUS 1

/**
 * The mechanism sends the password as it is.
 */
#define AUTH_PLUGIN_PLAIN 2

/**
 * The server knows the user from somewhere else, such as a TLS certificate.
 */
#define AUTH_PLUGIN_EXTERNAL 4

/**
 * An authentication context.
 */
typedef struct auth_context *auth_context_t;

/**
 * `struct auth_client_request`: one field that the application is asked for.
 */
struct auth_client_request
{
  /**
   * What the field is called.
   */
  const char *name;
  /**
   * What the field is: AUTH_USER and so on.
   */
  unsigned int flags;
  /**
   * What a user may be shown.
   */
  const char *prompt;
  /**
   * Longest answer, 0 = any.
   */
  unsigned int size;
};

/**
 * A field that the application is asked for.
 */
typedef const struct auth_client_request *auth_client_request_t;

/**
 * Supplies credentials: for each of `fields` requests a NUL-terminated string in `result`,
 * which stays the application's and must live until the callback is called again. Returns 0 if
 * it cannot.
 */
typedef int (*auth_interact_t)(auth_client_request_t request, char **result, int fields, void *arg);

/**
 * A plug-in's function that encodes or decodes what goes over the connection.
 */
typedef int (*auth_recode_t)(void *ctx, char **dstbuf, int *dstlen, const char *srcbuf, int srclen);

/**
 * A plug-in's function that answers a challenge; `challenge` NULL = the initial response.
 */
typedef const char *(*auth_response_t)(void *ctx,
                                       const char *challenge,
                                       int *len,
                                       auth_interact_t interact,
                                       void *arg);

/**
 * Prepares the library for authentication. May be called any number of times, or never.
 */
void auth_client_init(void);

/**
 * Unloads the plug-ins that no context uses. Contexts and sessions go on working.
 */
void auth_client_exit(void);

/**
 * Creates a context. NULL on failure.
 */
auth_context_t auth_create_context(void);

/**
 * Destroys a context. A session that still has it goes on using it.
 */
int auth_destroy_context(auth_context_t context);

/**
 * Forbids the kinds of mechanisms in `clear`, then allows those in `set`: AUTH_PLUGIN_PLAIN,
 * AUTH_PLUGIN_ANONYMOUS.
 */
int auth_set_mechanism_flags(auth_context_t context, unsigned int set, unsigned int clear);

/**
 * Sets the least strength of a mechanism's security layer, 0 = none is needed.
 */
int auth_set_mechanism_ssf(auth_context_t context, int min_ssf);

/**
 * Sets the callback that supplies credentials; NULL = none, and no authentication.
 */
int auth_set_interact_cb(auth_context_t context, auth_interact_t interact, void *arg);

/**
 * Whether the context has a callback that supplies credentials.
 */
int auth_client_enabled(auth_context_t context);

/**
 * Selects a mechanism, if it is known and allowed. A session tries it first.
 */
int auth_set_mechanism(auth_context_t context, const char *name);

/**
 * The selected mechanism's name; NULL if there is none.
 */
const char *auth_mechanism_name(auth_context_t context);

/**
 * The selected mechanism's answer to a challenge of `*len` bytes, or its initial response if
 * `challenge` is NULL. `*len` becomes its length; it lives until the next call with this
 * context. NULL with length 0: there is no initial response, or the mechanism has failed.
 */
const char *auth_response(auth_context_t context, const char *challenge, int *len);

/**
 * The strength of the selected mechanism's security layer; -1 = no mechanism is selected.
 */
int auth_get_ssf(auth_context_t context);

/**
 * Applies the mechanism's security layer to text for the server; `arg` is the context. What
 * comes out lives until the next call. Without a security layer nothing is changed.
 */
void auth_encode(char **dstbuf, int *dstlen, const char *srcbuf, int srclen, void *arg);

/**
 * Takes the mechanism's security layer off text from the server; `arg` is the context. What
 * comes out lives until the next call. Without a security layer nothing is changed.
 */
void auth_decode(char **dstbuf, int *dstlen, const char *srcbuf, int srclen, void *arg);

/**
 * Sets the identity for EXTERNAL, which allows that mechanism; NULL forbids it.
 */
int auth_set_external_id(auth_context_t context, const char *identity);

#ifdef __cplusplus
}
#endif

#endif

