/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void refuse(const char *argument)
{
    fprintf(stderr, "bad argument: %s\n", argument);
    exit(2);
}

static size_t number(const char *argument, const char *value)
{
    char *rest;
    unsigned long long result = strtoull(value, &rest, 10);

    if (rest == value || *rest)
        refuse(argument);
    return (size_t)result;
}

/* The position of the value in a list of words that ends with NULL. */
static int choice(const char *argument, const char *value, const char *const words[])
{
    for (int i = 0; words[i]; i++)
        if (strcmp(value, words[i]) == 0)
            return i;
    refuse(argument);
}

static bool yes(const char *argument, const char *value)
{
    static const char *const words[] = {"no", "yes", NULL};

    return choice(argument, value, words) == 1;
}

static bool is(const char *argument, const char *name)
{
    size_t length = strlen(name);

    return strncmp(argument, name, length) == 0 && argument[length] == '=';
}

static void apply(struct options *options, const char *argument)
{
    static const char *const kinds[] = {"crlf", "lf", "dots", "long", NULL};
    static const char *const sources[] = {"string", "file", "line", "block", NULL};
    const char *value = strchr(argument, '=');

    if (!value)
        refuse(argument);
    value++;
    if (is(argument, "host"))
        options->host = value;
    else if (is(argument, "port"))
        options->port = number(argument, value);
    else if (is(argument, "sessions"))
        options->sessions = number(argument, value);
    else if (is(argument, "messages"))
        options->messages = number(argument, value);
    else if (is(argument, "recipients"))
        options->recipients = number(argument, value);
    else if (is(argument, "size"))
        options->size = number(argument, value);
    else if (is(argument, "repeat"))
        options->repeat = number(argument, value);
    else if (is(argument, "text"))
        options->text = (enum kind)choice(argument, value, kinds);
    else if (is(argument, "source"))
        options->source = (enum source)choice(argument, value, sources);
    else if (is(argument, "tls"))
        options->tls = yes(argument, value);
    else if (is(argument, "events"))
        options->events = yes(argument, value);
    else if (is(argument, "send"))
        options->send = yes(argument, value);
    else if (is(argument, "binary"))
        options->binary = yes(argument, value);
    else if (is(argument, "whole"))
        options->whole = yes(argument, value);
    else
        refuse(argument);
}

struct options read_options(int argc, char **argv)
{
    struct options options = {
        .host = "127.0.0.1",
        .sessions = 1,
        .messages = 1,
        .recipients = 1,
        .size = 1024,
        .repeat = 1,
        .send = true,
    };

    for (int i = 1; i < argc; i++)
        apply(&options, argv[i]);
    return options;
}
