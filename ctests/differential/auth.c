/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The authentication context. There is one; `auth create` makes it current.
 *   auth create | use | forget | destroy | enabled | name | ssf
 *   auth interact USER PASSPHRASE REALM    answers; NULL leaves a result NULL
 *   auth interact fail                     a callback that fails
 *   auth flags SET CLEAR, auth min-ssf N, auth external ID, auth mechanism NAME
 *   auth respond CHALLENGE
 */
#include <string.h>

#include "driver.h"

static auth_context_t context;
static bool failing;
static char answers[3][256];
static bool answered[3];

static char *answer_for(unsigned flags)
{
    int field = flags & AUTH_USER ? 0 : flags & AUTH_PASS ? 1 : 2;

    return answered[field] ? answers[field] : NULL;
}

static int interact(auth_client_request_t request, char **result, int fields, void *arg)
{
    trace("interact %d fields%s", fields, arg == callback_argument ? "" : " wrong argument");
    for (int i = 0; i < fields; i++) {
        trace_more("  field ");
        trace_text(request[i].name);
        trace_more(" flags %u prompt ", request[i].flags);
        trace_text(request[i].prompt);
        trace(" size %u", request[i].size);
        result[i] = answer_for(request[i].flags);
    }
    return !failing;
}

static void set_interaction(const struct line *line)
{
    failing = word_is(line, 2, "fail");
    for (int i = 0; i < 3; i++) {
        const char *text = 2 + i < line->count ? text_at(line, 2 + i) : NULL;

        answered[i] = text != NULL;
        answers[i][0] = '\0';
        if (text != NULL)
            strncat(answers[i], text, sizeof answers[i] - 1);
    }
    trace_result(auth_set_interact_cb(context, interact, callback_argument));
}

static void respond(const char *challenge)
{
    int length = challenge ? (int)strlen(challenge) : 0;
    const char *response;

    trace_end();
    response = auth_response(context, challenge, &length);
    trace_more("response %d ", length);
    if (response == NULL)
        trace_more("NULL");
    else
        trace_bytes(response, (size_t)length);
    trace_end();
}

bool auth_command(const struct line *line)
{
    if (!word_is(line, 0, "auth"))
        return false;
    if (word_is(line, 1, "create")) {
        auth_client_init();
        context = auth_create_context();
        trace(" -> %s", context ? "context" : "NULL");
    } else if (word_is(line, 1, "use")) {
        trace_result(smtp_auth_set_context(current(SESSION), context));
    } else if (word_is(line, 1, "forget")) {
        trace_result(smtp_auth_set_context(current(SESSION), NULL));
    } else if (word_is(line, 1, "destroy")) {
        trace_result(auth_destroy_context(context));
        context = NULL;
        auth_client_exit();
    } else if (word_is(line, 1, "enabled")) {
        trace_result(auth_client_enabled(context));
    } else if (word_is(line, 1, "name")) {
        trace_more(" ");
        trace_text(auth_mechanism_name(context));
        trace_end();
    } else if (word_is(line, 1, "ssf")) {
        trace(" %d", auth_get_ssf(context));
    } else if (word_is(line, 1, "interact")) {
        set_interaction(line);
    } else if (word_is(line, 1, "flags")) {
        trace_result(auth_set_mechanism_flags(context, (unsigned)number_at(line, 2),
                                              (unsigned)number_at(line, 3)));
    } else if (word_is(line, 1, "min-ssf")) {
        trace_result(auth_set_mechanism_ssf(context, (int)number_at(line, 2)));
    } else if (word_is(line, 1, "external")) {
        trace_result(auth_set_external_id(context, text_at(line, 2)));
    } else if (word_is(line, 1, "mechanism")) {
        trace_result(auth_set_mechanism(context, text_at(line, 2)));
    } else if (word_is(line, 1, "respond")) {
        respond(text_at(line, 2));
    } else {
        return false;
    }
    return true;
}
