/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What load and floor are asked to do: NAME=VALUE arguments. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* How the application hands out the text. */
enum source { SOURCE_STRING, SOURCE_FILE, SOURCE_LINE, SOURCE_BLOCK };

/* What the lines of the text look like. */
enum kind { KIND_CRLF, KIND_LF, KIND_DOTS, KIND_LONG };

struct options {
    const char *host;
    size_t port;
    size_t sessions;
    size_t messages;   /* in each session */
    size_t recipients; /* of each message */
    size_t size;       /* of each message's text, headers included */
    size_t repeat;     /* source `block`: how often the text comes in each message */
    enum kind text;
    enum source source;
    bool tls;
    bool events; /* with an event callback */
    bool send;   /* else objects are only created and destroyed */
    bool whole;  /* count creating and destroying, too, not only smtp_start_session */
    bool binary; /* the body type is BINARYMIME */
};

/* Ends the program if an argument is not understood. */
struct options read_options(int argc, char **argv);

#endif
