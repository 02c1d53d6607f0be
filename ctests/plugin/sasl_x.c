/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A SASL plug-in for tests. It is built several times, with other properties each:
 *   KEYWORD   the mechanism's name
 *   FLAGS     what it needs to be allowed
 *   SSF       the strength of its security layer, which adds 1 to each byte
 *   MUTE      there is no `response`
 *   ANONYMOUS the symbol has another name
 * It tells the program that loads it, by the functions below, what is done with it. */
#include <stdlib.h>
#include <string.h>

#include <auth-client.h>

#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef SSF
#define SSF 0
#endif

/* In the program. */
extern void plugin_made(const char *keyword);
extern void plugin_ended(const char *keyword);

/* What a plug-in exports. */
struct plugin {
    const char *keyword, *description;
    int (*init)(void *context);
    void (*destroy)(void *context);
    auth_response_t response;
    int flags, ssf;
    auth_recode_t encode, decode;
};

struct exchange {
    int step;
    char answer[64];
    char *coded;
};

static int init(void *context)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);

    *(struct exchange **)context = exchange;
    plugin_made(KEYWORD);
    return exchange != NULL;
}

static void destroy(void *context)
{
    struct exchange *exchange = context;

    plugin_ended(KEYWORD);
    free(exchange->coded);
    free(exchange);
}

#ifndef MUTE
/* The user's name first, then each challenge turned round; `give up` is a failure. */
static const char *response(void *context, const char *challenge, int *length,
                            auth_interact_t interact, void *arg)
{
    static const struct auth_client_request request = {"user", AUTH_USER, "User", 0};
    struct exchange *exchange = context;
    char *user = NULL;
    int i, size = *length;

    if (challenge == NULL) {
        exchange->step = 0;
        if (!interact(&request, &user, 1, arg) || user == NULL)
            return NULL;
        strncpy(exchange->answer, user, sizeof exchange->answer - 1);
        *length = (int)strlen(exchange->answer);
        return exchange->answer;
    }
    exchange->step++;
    if (size > (int)sizeof exchange->answer
        || (size == 7 && memcmp(challenge, "give up", 7) == 0)) {
        *length = 0;
        return NULL;
    }
    for (i = 0; i < size; i++)
        exchange->answer[i] = challenge[size - 1 - i];
    return exchange->answer;
}
#endif

#if SSF > 0
static int shift(struct exchange *exchange, char **to, int *to_length, const char *from, int length,
                 int by)
{
    int i;

    free(exchange->coded);
    exchange->coded = malloc((size_t)length + 1);
    if (exchange->coded == NULL)
        return 0;
    for (i = 0; i < length; i++)
        exchange->coded[i] = (char)((unsigned char)from[i] + by);
    *to = exchange->coded;
    *to_length = length;
    return 1;
}

static int encode(void *context, char **to, int *to_length, const char *from, int length)
{
    return shift(context, to, to_length, from, length, 1);
}

static int decode(void *context, char **to, int *to_length, const char *from, int length)
{
    return shift(context, to, to_length, from, length, -1);
}
#endif

#ifdef ANONYMOUS
#define sasl_client another_name
#endif
extern const struct plugin sasl_client;
const struct plugin sasl_client = {
    KEYWORD, "for tests", init, destroy,
#ifdef MUTE
    NULL,
#else
    response,
#endif
    FLAGS,   SSF,
#if SSF > 0
    encode,  decode,
#else
    NULL,     NULL,
#endif
};
