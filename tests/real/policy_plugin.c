/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A SASL plug-in whose only message is what it is given: user, colon, password. */
#include <stdio.h>
#include <stdlib.h>

#include <auth-client.h>

static int init(void *context)
{
    return (*(char **)context = calloc(1, 512)) != NULL;
}

static void destroy(void *context)
{
    free(context);
}

static const char *response(void *context, const char *challenge, int *length,
                            auth_interact_t interact, void *arg)
{
    static const struct auth_client_request requests[] = {
        {"user", AUTH_USER, "User", 0},
        {"passphrase", AUTH_PASS, "Password", 0},
    };
    char *given[2] = {NULL, NULL};
    char *message = context;

    (void)challenge;
    if (!interact(requests, given, 2, arg) || given[0] == NULL || given[1] == NULL)
        return NULL;
    *length = snprintf(message, 512, "%s:%s", given[0], given[1]);
    return message;
}

struct plugin {
    const char *keyword, *description;
    int (*init)(void *context);
    void (*destroy)(void *context);
    auth_response_t response;
    int flags, ssf;
    auth_recode_t encode, decode;
};

extern const struct plugin sasl_client;

const struct plugin sasl_client = {
    .keyword = "X-BOTH",
    .description = "both in clear",
    .init = init,
    .destroy = destroy,
    .response = response,
};
