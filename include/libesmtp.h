/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Submitting mail over SMTP. */

#ifndef _libesmtp_h
#define _libesmtp_h

/* Made by cbindgen from src/ffi: see cbindgen.toml. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Added to a time-out's number: values below the minimum are allowed, down to a second.
 */
#define Timeout_OVERRIDE_RFC2822_MINIMUM 4096

/**
 * There is neither an incomplete recipient nor an ETRN node.
 */
#define SMTP_ERR_NOTHING_TO_DO 2

/**
 * The server closed the connection.
 */
#define SMTP_ERR_DROPPED_CONNECTION 3

/**
 * A reply is malformed.
 */
#define SMTP_ERR_INVALID_RESPONSE_SYNTAX 4

/**
 * The lines of a reply carry different codes.
 */
#define SMTP_ERR_STATUS_MISMATCH 5

/**
 * A reply's code makes no sense where it came.
 */
#define SMTP_ERR_INVALID_RESPONSE_STATUS 6

/**
 * An argument is not acceptable.
 */
#define SMTP_ERR_INVAL 7

/**
 * A required extension is not offered.
 */
#define SMTP_ERR_EXTENSION_NOT_AVAILABLE 8

/**
 * The host has no address of the wanted family.
 */
#define SMTP_ERR_EAI_ADDRFAMILY 9

/**
 * The host has no address.
 */
#define SMTP_ERR_EAI_NODATA 10

/**
 * The name server failed for good.
 */
#define SMTP_ERR_EAI_FAIL 11

/**
 * The name server failed for now.
 */
#define SMTP_ERR_EAI_AGAIN 12

/**
 * The resolver ran out of memory.
 */
#define SMTP_ERR_EAI_MEMORY 13

/**
 * The address family is not supported.
 */
#define SMTP_ERR_EAI_FAMILY 14

/**
 * The resolver was given bad flags.
 */
#define SMTP_ERR_EAI_BADFLAGS 15

/**
 * The host or service is not known.
 */
#define SMTP_ERR_EAI_NONAME 16

/**
 * The service is not known.
 */
#define SMTP_ERR_EAI_SERVICE 17

/**
 * The socket type is not supported.
 */
#define SMTP_ERR_EAI_SOCKTYPE 18

/**
 * A reply, or a line of it, is too long.
 */
#define SMTP_ERR_UNTERMINATED_RESPONSE 19

/**
 * The failure is on our own side.
 */
#define SMTP_ERR_CLIENT_ERROR 20

/**
 * Deprecated name of SMTP_ERR_EAI_ADDRFAMILY.
 */
#define SMTP_ERR_HOST_NOT_FOUND SMTP_ERR_EAI_ADDRFAMILY

/**
 * Deprecated name of SMTP_ERR_EAI_NODATA.
 */
#define SMTP_ERR_NO_ADDRESS SMTP_ERR_EAI_NODATA

/**
 * Deprecated name of SMTP_ERR_EAI_FAIL.
 */
#define SMTP_ERR_NO_RECOVERY SMTP_ERR_EAI_FAIL

/**
 * Deprecated name of SMTP_ERR_EAI_AGAIN.
 */
#define SMTP_ERR_TRY_AGAIN SMTP_ERR_EAI_AGAIN

/**
 * The monitor shows what the server said.
 */
#define SMTP_CB_READING 0

/**
 * The monitor shows what we said.
 */
#define SMTP_CB_WRITING 1

/**
 * The monitor shows a header of the message.
 */
#define SMTP_CB_HEADERS 2

/**
 * What happens when the time for delivery is over (RFC 2852).
 */
enum by_mode
{
  /**
   * No time is set.
   */
  By_NOTSET = 0,
  /**
   * The sender is told.
   */
  By_NOTIFY,
  /**
   * The message is returned.
   */
  By_RETURN
};

/**
 * What a message's text consists of (RFC 6152, RFC 3030).
 */
enum e8bitmime_body
{
  /**
   * Not said.
   */
  E8bitmime_NOTSET = 0,
  /**
   * Seven-bit lines.
   */
  E8bitmime_7BIT,
  /**
   * Eight-bit lines.
   */
  E8bitmime_8BITMIME,
  /**
   * Any bytes.
   */
  E8bitmime_BINARYMIME
};

/**
 * Options of a header.
 */
enum header_option
{
  /**
   * The value that was set through the API replaces the message's own.
   */
  Hdr_OVERRIDE = 0,
  /**
   * The header is removed from the message and not supplied.
   */
  Hdr_PROHIBIT
};

/**
 * When the sender wants a report (RFC 3461); the positive ones may be combined.
 */
enum notify_flags
{
  /**
   * The server's choice.
   */
  Notify_NOTSET = 0,
  /**
   * Never.
   */
  Notify_NEVER = -1,
  /**
   * On delivery.
   */
  Notify_SUCCESS = 1,
  /**
   * On failure.
   */
  Notify_FAILURE = 2,
  /**
   * On delay.
   */
  Notify_DELAY = 4
};

/**
 * How much of a message a failure report returns (RFC 3461).
 */
enum ret_flags
{
  /**
   * The server's choice.
   */
  Ret_NOTSET = 0,
  /**
   * All of it.
   */
  Ret_FULL,
  /**
   * Its headers.
   */
  Ret_HDRS
};

/**
 * Time-outs for `smtp_set_timeout`.
 */
enum rfc2822_timeouts
{
  /**
   * Each reply and handshake before the first MAIL; at least 5 minutes.
   */
  Timeout_GREETING = 0,
  /**
   * MAIL, RCPT and RSET; at least 5 minutes.
   */
  Timeout_ENVELOPE,
  /**
   * DATA; at least 2 minutes.
   */
  Timeout_DATA,
  /**
   * A block of text; at least 3 minutes.
   */
  Timeout_TRANSFER,
  /**
   * The end of the text; at least 10 minutes.
   */
  Timeout_DATA2
};

/**
 * Events; their further arguments follow `arg` in the call of `smtp_eventcb_t`.
 */
enum smtp_event
{
  /**
   * A connection stands.
   */
  SMTP_EV_CONNECT = 0,
  /**
   * MAIL was answered: `char *reverse_path`, `smtp_message_t`.
   */
  SMTP_EV_MAILSTATUS,
  /**
   * RCPT was answered: `char *mailbox`, `smtp_recipient_t`.
   */
  SMTP_EV_RCPTSTATUS,
  /**
   * Text is on its way: `smtp_message_t`, `int bytes`.
   */
  SMTP_EV_MESSAGEDATA,
  /**
   * The message got its final reply: `smtp_message_t`.
   */
  SMTP_EV_MESSAGESENT,
  /**
   * The connection is closed.
   */
  SMTP_EV_DISCONNECT,
  /**
   * A reply lacks its enhanced status code: `int *quit`.
   */
  SMTP_EV_SYNTAXWARNING,
  /**
   * ETRN was answered: `int option`, `char *domain`.
   */
  SMTP_EV_ETRNSTATUS = 1000,
  /**
   * DSN is required and not offered: `int *quit`.
   */
  SMTP_EV_EXTNA_DSN = 2000,
  /**
   * 8BITMIME is required and not offered; the session ends.
   */
  SMTP_EV_EXTNA_8BITMIME,
  /**
   * STARTTLS is required and cannot be used; the session ends: a NULL pointer.
   */
  SMTP_EV_EXTNA_STARTTLS,
  /**
   * ETRN is required and not offered: `int *quit`, preset to 1.
   */
  SMTP_EV_EXTNA_ETRN,
  /**
   * CHUNKING is required and not offered: `int *quit`; the session ends in any case.
   */
  SMTP_EV_EXTNA_CHUNKING,
  /**
   * BINARYMIME is required and not offered; the session ends.
   */
  SMTP_EV_EXTNA_BINARYMIME,
  /**
   * The server wants more time: `long missing_seconds`, `int *adjust`; greater than 0 =
   * the server's least time and so many seconds more.
   */
  SMTP_EV_DELIVERBY_EXPIRED = 3000,
  /**
   * The cipher has 40 bits or fewer: `int bits`, `int *ok`.
   */
  SMTP_EV_WEAK_CIPHER = 3100,
  /**
   * TLS is in use: `SSL *`, `char *cipher`, `int bits`.
   */
  SMTP_EV_STARTTLS_OK,
  /**
   * The certificate is not valid: `long verify_result`, `int *ok`, `SSL *`.
   */
  SMTP_EV_INVALID_PEER_CERTIFICATE,
  /**
   * The server has no certificate: `int *ok`.
   */
  SMTP_EV_NO_PEER_CERTIFICATE,
  /**
   * The certificate is for another name: `int *ok`, `char *name_found`, `SSL *`.
   */
  SMTP_EV_WRONG_PEER_CERTIFICATE,
  /**
   * The client certificate's key cannot be used: `int *ok`.
   */
  SMTP_EV_NO_CLIENT_CERTIFICATE,
  /**
   * The client certificate's file is not acceptable; the session ends: a NULL pointer.
   */
  SMTP_EV_UNUSABLE_CLIENT_CERTIFICATE,
  /**
   * The CA list's file is not acceptable; the session ends: a NULL pointer.
   */
  SMTP_EV_UNUSABLE_CA_LIST
};

/**
 * Whether STARTTLS is used (RFC 3207).
 */
enum starttls_option
{
  /**
   * Never.
   */
  Starttls_DISABLED = 0,
  /**
   * If the server offers it.
   */
  Starttls_ENABLED,
  /**
   * Or the session fails.
   */
  Starttls_REQUIRED
};

/**
 * What `smtp_version` tells about.
 */
enum version_kind
{
  /**
   * Version of the library.
   */
  Ver_VERSION = 0,
  /**
   * Version in the shared library's file name.
   */
  Ver_SO_VERSION,
  /**
   * Version as libtool counts: current, revision, age.
   */
  Ver_LT_VERSION
};

/**
 * A session: where to submit to, and the messages.
 */
typedef struct smtp_session *smtp_session_t;

/**
 * Told of the progress of a session; what follows `arg` depends on the event.
 */
typedef void (*smtp_eventcb_t)(smtp_session_t session, int event_no, void *arg, ...);

/**
 * Shown the dialogue, a line a call, `writing` one of SMTP_CB_READING, SMTP_CB_WRITING,
 * SMTP_CB_HEADERS. A line longer than 255 bytes comes in several pieces; a NUL that `buflen`
 * does not count follows each.
 */
typedef void (*smtp_monitorcb_t)(const char *buf, int buflen, int writing, void *arg);

/**
 * A message of a session.
 */
typedef struct smtp_message *smtp_message_t;

/**
 * Called with each message of a session.
 */
typedef void (*smtp_enumerate_messagecb_t)(smtp_message_t message, void *arg);

/**
 * Supplies a message's text. `len` NULL: start at the beginning. Else the next block, which
 * must live until the next call; `*len` is its length, 0 at the end. An end while headers are
 * read ends the headers, and the callback is asked again for the body. A callback that fails
 * sets `errno` and gives length 0: the session ends without the message. `*ctx` is NULL at
 * first and the callback's to use; what it points to in the end is released with free().
 */
typedef const char *(*smtp_messagecb_t)(void **ctx, int *len, void *arg);

/**
 * A recipient of a message.
 */
typedef struct smtp_recipient *smtp_recipient_t;

/**
 * Called with each recipient of a message.
 */
typedef void (*smtp_enumerate_recipientcb_t)(smtp_recipient_t recipient,
                                             const char *mailbox,
                                             void *arg);

/**
 * What the server said about a message, path, recipient or node.
 */
struct smtp_status
{
  /**
   * Three-digit reply code; 0 = nothing was said yet.
   */
  int code;
  /**
   * Text of the reply, lines ending in CRLF; NULL while the code is 0.
   */
  char *text;
  /**
   * Class of the enhanced status code (RFC 3463), 0 if there is none.
   */
  int enh_class;
  /**
   * Subject of the enhanced status code.
   */
  int enh_subject;
  /**
   * Detail of the enhanced status code.
   */
  int enh_detail;
};

/**
 * The same under the name that functions use.
 */
typedef struct smtp_status smtp_status_t;

/**
 * A node whose mail the server is asked to send (RFC 1985).
 */
typedef struct smtp_etrn_node *smtp_etrn_node_t;

/**
 * Called with each ETRN node of a session.
 */
typedef void (*smtp_etrn_enumerate_nodecb_t)(smtp_etrn_node_t node,
                                             int option,
                                             const char *domain,
                                             void *arg);

/**
 * Asked for the pass phrase of a private key, as OpenSSL's `pem_password_cb`. It must return:
 * no `longjmp`, no exception.
 */
typedef int (*smtp_starttls_passwordcb_t)(char *buf, int buflen, int rwflag, void *arg);

/**
 * Writes a version as text into `buf`. Fails if `len` has no room for it and its NUL.
 */
int smtp_version(void *buf, size_t len, int what);

/**
 * The calling thread's last error: one of SMTP_ERR_*, or a negated `errno`; 0 = none so far.
 */
int smtp_errno(void);

/**
 * Writes the text of an error of `smtp_errno` into `buf`, cut to `buflen` with its NUL. For the
 * calling thread's last error the reason follows, if it is known: `Client error: certificate has
 * expired`. Returns `buf`, NULL if there is no room at all.
 */
char *smtp_strerror(int error, char *buf, size_t buflen);

/**
 * Creates a session. NULL on failure.
 */
smtp_session_t smtp_create_session(void);

/**
 * Sets the server, `host[:service]`; the service is a name or a number, 587 if it is
 * missing. An IPv6 address goes into brackets: `[address]:service`. Port 465 means TLS from the
 * first byte (RFC 8314). `_submission._tcp.DOMAIN` and `_submissions._tcp.DOMAIN` are looked up
 * as SRV names (RFC 6186).
 */
int smtp_set_server(smtp_session_t session, const char *hostport);

/**
 * The server's full name once it was looked up, else its name as it was set; NULL if none
 * was set. Valid until the server is set again, the session is started again or destroyed.
 */
const char *smtp_get_server_name(smtp_session_t session);

/**
 * Sets the name that we give ourselves in EHLO; NULL or "" = found at the start.
 */
int smtp_set_hostname(smtp_session_t session, const char *hostname);

/**
 * Sets the callback that is told of the session's progress; NULL = none.
 */
int smtp_set_eventcb(smtp_session_t session, smtp_eventcb_t cb, void *arg);

/**
 * Sets the callback that is shown the dialogue, and the message's headers too if `headers`
 * is not 0; NULL = none.
 */
int smtp_set_monitorcb(smtp_session_t session, smtp_monitorcb_t cb, void *arg, int headers);

/**
 * Sets a time-out in milliseconds, raised to the least value of RFC 5321 unless
 * Timeout_OVERRIDE_RFC2822_MINIMUM is added to `which`. Returns the value that was set, 0 on
 * failure.
 */
long smtp_set_timeout(smtp_session_t session, int which, long value);

/**
 * Whether a message is sent only if the server accepts each of its recipients.
 */
int smtp_option_require_all_recipients(smtp_session_t session, int state);

/**
 * Submits the messages that are not complete. 1 if the dialogue ran its course, whatever the
 * server decided about each message (the statuses tell); 0 if it could not, with the reason
 * in `smtp_errno` and its text in `smtp_strerror`. `errno` is the system's number for it then, or
 * 0.
 */
int smtp_start_session(smtp_session_t session);

/**
 * Destroys a session and all that is in it, after having each application data released.
 * Not possible from a callback of the session itself.
 */
int smtp_destroy_session(smtp_session_t session);

/**
 * Adds a message to the session. NULL on failure.
 */
smtp_message_t smtp_add_message(smtp_session_t session);

/**
 * Calls `cb` with each message, in the order in which they were added.
 */
int smtp_enumerate_messages(smtp_session_t session, smtp_enumerate_messagecb_t cb, void *arg);

/**
 * Sets the sender to which failures are reported; NULL or "" = nobody (`<>`).
 */
int smtp_set_reverse_path(smtp_message_t message, const char *mailbox);

/**
 * Sets the callback that supplies the message's text.
 */
int smtp_set_messagecb(smtp_message_t message, smtp_messagecb_t cb, void *arg);

/**
 * Sets a header. What follows its name: `const time_t *` for Date; `const char *phrase,
 * const char *mailbox` for From, Sender, To, Cc, Bcc, Reply-To and
 * Disposition-Notification-To; else `const char *text`.
 */
extern int smtp_set_header(smtp_message_t message, const char *header, ...);

/**
 * Sets an option of a header: Hdr_OVERRIDE or Hdr_PROHIBIT, followed by an int, 0 = off.
 */
extern int smtp_set_header_option(smtp_message_t message,
                                  const char *header,
                                  enum header_option option,
                                  ...);

/**
 * Headers for resending (RFC 5322 section 3.6.6) are passed as they are in the message's
 * text: only 0 succeeds.
 */
int smtp_set_resent_headers(smtp_message_t message, int onoff);

/**
 * Message callback for a `FILE *`; see `smtp_set_message_fp`.
 */
const char *_smtp_message_fp_cb(void **ctx, int *len, void *arg);

/**
 * Message callback for a NUL-terminated string; see `smtp_set_message_str`.
 */
const char *_smtp_message_str_cb(void **ctx, int *len, void *arg);

/**
 * Adds a recipient to the message. NULL on failure.
 */
smtp_recipient_t smtp_add_recipient(smtp_message_t message, const char *mailbox);

/**
 * Calls `cb` with each recipient, in the order in which they were added.
 */
int smtp_enumerate_recipients(smtp_message_t message, smtp_enumerate_recipientcb_t cb, void *arg);

/**
 * Sets when the sender wants a report about this recipient. Makes DSN a required extension.
 */
int smtp_dsn_set_notify(smtp_recipient_t recipient, enum notify_flags flags);

/**
 * Sets the address that reports name as the original recipient, `address_type` for example
 * "rfc822". Makes DSN a required extension.
 */
int smtp_dsn_set_orcpt(smtp_recipient_t recipient, const char *address_type, const char *address);

/**
 * What the server said of the message as a whole. The pointer stays the same as long as the
 * message lives; the text is replaced with the next reply.
 */
const smtp_status_t *smtp_message_transfer_status(smtp_message_t message);

/**
 * What the server said of the message's sender.
 */
const smtp_status_t *smtp_reverse_path_status(smtp_message_t message);

/**
 * Forgets the statuses of the message and of its sender. The recipients keep theirs.
 */
int smtp_message_reset_status(smtp_message_t message);

/**
 * What the server said of the recipient.
 */
const smtp_status_t *smtp_recipient_status(smtp_recipient_t recipient);

/**
 * Whether nothing is left to do for the recipient: the message was accepted for it, or it
 * was refused for good.
 */
int smtp_recipient_check_complete(smtp_recipient_t recipient);

/**
 * Forgets what the server said of the recipient: the message will be sent to it again.
 */
int smtp_recipient_reset_status(smtp_recipient_t recipient);

/**
 * Sets how much of the message a failure report returns (RFC 3461). Anything but Ret_NOTSET
 * makes DSN a required extension.
 */
int smtp_dsn_set_ret(smtp_message_t message, enum ret_flags flags);

/**
 * Sets the envelope identifier that reports quote (RFC 3461), at most 100 bytes encoded.
 * Makes DSN a required extension.
 */
int smtp_dsn_set_envid(smtp_message_t message, const char *envid);

/**
 * Sets the estimated size of the message in bytes (RFC 1870); 0 = not told.
 */
int smtp_size_set_estimate(smtp_message_t message, unsigned long size);

/**
 * Sets what the message's text consists of. Anything but E8bitmime_NOTSET makes 8BITMIME, or
 * CHUNKING and BINARYMIME, required extensions.
 */
int smtp_8bitmime_set_body(smtp_message_t message, enum e8bitmime_body body);

/**
 * Sets the time in seconds within which the message is to be delivered (RFC 2852), and
 * whether relays report (`trace`). By_RETURN needs a time greater than 0.
 */
int smtp_deliverby_set_mode(smtp_message_t message, long time, enum by_mode mode, int trace);

/**
 * Asks the server to send the mail that it holds for `node`: a host, or with option '@' a
 * domain and all below it. Makes ETRN a required extension. NULL on failure.
 */
smtp_etrn_node_t smtp_etrn_add_node(smtp_session_t session, int option, const char *node);

/**
 * Calls `cb` with each node, in the order in which they were added.
 */
int smtp_etrn_enumerate_nodes(smtp_session_t session, smtp_etrn_enumerate_nodecb_t cb, void *arg);

/**
 * What the server said of the node.
 */
const smtp_status_t *smtp_etrn_node_status(smtp_etrn_node_t node);

#if defined(_auth_client_h)
/**
 * Sets the context with which the session authenticates; NULL = not at all. The context
 * stays the application's.
 */
int smtp_auth_set_context(smtp_session_t session, auth_context_t context);
#endif

/**
 * Sets whether STARTTLS is used.
 */
int smtp_starttls_enable(smtp_session_t session, enum starttls_option how);

#if defined(SSL_SESSION_ASN1_VERSION)
/**
 * Sets the OpenSSL context that the session uses; it takes a reference of its own. NULL = a
 * context of the library's.
 */
int smtp_starttls_set_ctx(smtp_session_t session, SSL_CTX *ctx);
#endif

#if defined(SSL_SESSION_ASN1_VERSION)
/**
 * The OpenSSL context that the session uses, made if there is none yet; without a new
 * reference. NULL on failure.
 */
SSL_CTX *smtp_starttls_get_ctx(smtp_session_t session);
#endif

/**
 * Sets the callback that is asked for the pass phrase of a private key, for the whole
 * process; NULL is refused. The callback must return: no `longjmp`, no exception.
 */
int smtp_starttls_set_password_cb(smtp_starttls_passwordcb_t cb, void *arg);

#if defined(LIBESMTP_ENABLE_DEPRECATED_SYMBOLS)
/**
 * Sets the session's application data; returns the pointer that was there. Deprecated: use
 * `smtp_set_application_data_release`.
 */
void *smtp_set_application_data(smtp_session_t session, void *data);
#endif

/**
 * Sets the session's application data and the function that releases it (may be NULL); the
 * data that was there is released first.
 */
void smtp_set_application_data_release(smtp_session_t session,
                                       void *data,
                                       void (*release)(void *data));

/**
 * The session's application data, NULL if none was set.
 */
void *smtp_get_application_data(smtp_session_t session);

#if defined(LIBESMTP_ENABLE_DEPRECATED_SYMBOLS)
/**
 * Sets the message's application data; returns the pointer that was there. Deprecated: use
 * `smtp_message_set_application_data_release`.
 */
void *smtp_message_set_application_data(smtp_message_t message, void *data);
#endif

/**
 * Sets the message's application data and the function that releases it (may be NULL); the
 * data that was there is released first.
 */
void smtp_message_set_application_data_release(smtp_message_t message,
                                               void *data,
                                               void (*release)(void *data));

/**
 * The message's application data, NULL if none was set.
 */
void *smtp_message_get_application_data(smtp_message_t message);

#if defined(LIBESMTP_ENABLE_DEPRECATED_SYMBOLS)
/**
 * Sets the recipient's application data; returns the pointer that was there. Deprecated: use
 * `smtp_recipient_set_application_data_release`.
 */
void *smtp_recipient_set_application_data(smtp_recipient_t recipient, void *data);
#endif

/**
 * Sets the recipient's application data and the function that releases it (may be NULL); the
 * data that was there is released first.
 */
void smtp_recipient_set_application_data_release(smtp_recipient_t recipient,
                                                 void *data,
                                                 void (*release)(void *data));

/**
 * The recipient's application data, NULL if none was set.
 */
void *smtp_recipient_get_application_data(smtp_recipient_t recipient);

#if defined(LIBESMTP_ENABLE_DEPRECATED_SYMBOLS)
/**
 * Sets the node's application data; returns the pointer that was there. Deprecated: use
 * `smtp_etrn_set_application_data_release`.
 */
void *smtp_etrn_set_application_data(smtp_etrn_node_t node, void *data);
#endif

/**
 * Sets the node's application data and the function that releases it (may be NULL); the data
 * that was there is released first.
 */
void smtp_etrn_set_application_data_release(smtp_etrn_node_t node,
                                            void *data,
                                            void (*release)(void *data));

/**
 * The node's application data, NULL if none was set.
 */
void *smtp_etrn_get_application_data(smtp_etrn_node_t node);

/**
 * The message's text is read from an open FILE, from its beginning.
 */
#define smtp_set_message_fp(message,fp) \
  smtp_set_messagecb ((message), _smtp_message_fp_cb, (fp))

/**
 * The message's text is a NUL-terminated string, which must live until it is sent.
 */
#define smtp_set_message_str(message,str) \
  smtp_set_messagecb ((message), _smtp_message_str_cb, (str))

#ifdef __cplusplus
}
#endif

#endif

