/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver of the differential suite: reads a script, calls the library, prints what happened,
 * one fact a line. */
#ifndef DRIVER_H
#define DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include <auth-client.h>
/* The functions without a release callback are declared only on request. */
#define LIBESMTP_ENABLE_DEPRECATED_SYMBOLS
#include <libesmtp.h>

enum { MOST_WORDS = 64, MOST_OBJECTS = 256, MOST_REACTIONS = 32 };

/* ---- words.c: the script's lines ---- */

/* NUL-terminated; `bytes` is NULL for the word NULL. */
struct word {
    char *bytes;
    size_t length;
};

struct line {
    struct word words[MOST_WORDS];
    int count;
};

void line_split(struct line *line, const char *source);
void line_free(struct line *line);
/* A missing word is an error of the script. */
struct word word_at(const struct line *line, int index);
const char *text_at(const struct line *line, int index);
long number_at(const struct line *line, int index);
bool word_is(const struct line *line, int index, const char *expected);
void bad_script(const char *what, const char *detail);

/* ---- trace.c: the output ---- */

void trace(const char *format, ...);
/* A part of a line. */
void trace_more(const char *format, ...);
void trace_bytes(const char *bytes, size_t length);
void trace_text(const char *text);
void trace_status(const smtp_status_t *status);
void trace_end(void);
/* Ends the line with the result, and the error if the call failed. */
void trace_result(int result);
void trace_pointer_result(const char *label);

/* ---- source.c: message texts ---- */

enum source_end { END_ZERO, END_UNTOUCHED, END_ERRNO, END_NULL_BLOCK };

struct source {
    const char *label;
    struct word *blocks;
    int count;
    enum source_end end;
    int error;
};

void source_set(smtp_message_t message, const char *label, const struct line *line);
void sources_free(void);

/* ---- objects.c: handles and their labels ---- */

enum kind { SESSION, MESSAGE, RECIPIENT, NODE, KINDS };

struct object {
    enum kind kind;
    void *handle;
    struct object *session;
    char label[16];
    bool alive;
};

struct object *object_add(enum kind kind, void *handle);
struct object *object_labelled(const char *label);
const char *label_of(enum kind kind, const void *handle);
void *current(enum kind kind);
struct object *current_object(enum kind kind);
void set_current(enum kind kind, struct object *object);
/* The n-th object ever made, NULL behind the last. */
struct object *object_number(int number);
void session_died(struct object *session);

/* ---- events.c: callbacks of the session ---- */

/* What every callback is registered with. */
extern char callback_argument[1];
void event_callback(smtp_session_t session, int event, void *arg, ...);
void monitor_callback(const char *buf, int length, int writing, void *arg);
void answer_event(const char *name, int value);
void react(const char *name, int occurrence, const char *command);
/* Runs what the script wants at this: an event, or `rewind` or `read` of a source. */
void happened(const char *name);

/* ---- session.c, message.c, envelope.c, inquiry.c, data.c, auth.c, tls.c: the functions of the
 * library ---- */

/* Each runs the command if it knows it. */
bool data_command(const struct line *line);
void data_free(void);
bool auth_command(const struct line *line);
bool tls_command(const struct line *line);
void tls_free(void);
/* Prints what an SSL handle tells, if the script wants it. */
void trace_connection(void *handle);
/* resolver.c */
bool resolver_command(const struct line *line);
bool session_command(const struct line *line);
bool message_command(const struct line *line);
bool envelope_command(const struct line *line);
bool inquiry_command(const struct line *line);
void dump_statuses(void);

/* ---- driver.c ---- */

void run(const char *command);
extern const char *server_port;

#endif
