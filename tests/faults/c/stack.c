/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host whose threads have small stacks. Prints how many octets of one a session has used.
 *
 * stack SERVER [MECHANISM [tls]] */
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <auth-client.h>

#include "mail.h"

enum { SIZE = 1024 * 1024, PAINT = 0xa5 };

static const char *server, *mechanism;
static int tls;

static int answer(auth_client_request_t request, char **result, int fields, void *arg)
{
    int i;

    (void)arg;
    for (i = 0; i < fields; i++)
        result[i] = request[i].flags & AUTH_PASS ? (char *)"secret" : (char *)"user";
    return 1;
}

static void accept_certificate(smtp_session_t session, int number, void *arg, ...)
{
    va_list arguments;

    (void)session;
    va_start(arguments, arg);
    if (number == SMTP_EV_INVALID_PEER_CERTIFICATE) {
        (void)va_arg(arguments, long);
        *va_arg(arguments, int *) = 1;
    }
    va_end(arguments);
}

static void *nothing(void *arg)
{
    return arg;
}

static void *send_one(void *arg)
{
    smtp_recipient_t recipient;
    smtp_session_t session = new_session(server, _smtp_message_str_cb, (void *)letter, &recipient);
    auth_context_t context = auth_create_context();

    CHECK(smtp_set_hostname(session, NULL));
    if (mechanism != NULL) {
        CHECK(auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0));
        CHECK(auth_set_interact_cb(context, answer, NULL));
        CHECK(auth_set_mechanism(context, mechanism));
        CHECK(smtp_auth_set_context(session, context));
    }
    if (tls) {
        CHECK(smtp_starttls_enable(session, Starttls_REQUIRED));
        CHECK(smtp_set_eventcb(session, accept_certificate, NULL));
    }
    CHECK(smtp_start_session(session));
    CHECK(is_delivered(recipient));
    CHECK(smtp_destroy_session(session));
    CHECK(auth_destroy_context(context));
    return arg;
}

static long used_by(void *(*work)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;
    unsigned char *stack =
        mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long untouched = 0;

    CHECK(stack != MAP_FAILED);
    memset(stack, PAINT, SIZE);
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstack(&attributes, stack, SIZE) == 0);
    CHECK(pthread_create(&thread, &attributes, work, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    while (untouched < SIZE && stack[untouched] == PAINT)
        untouched++;
    CHECK(munmap(stack, SIZE) == 0);
    return SIZE - untouched;
}

int main(int argc, char **argv)
{
    server = argc > 1 ? argv[1] : "";
    mechanism = argc > 2 ? argv[2] : NULL;
    tls = argc > 3;
    /* A thread has some of its own. */
    printf("%ld\n", used_by(send_one) - used_by(nothing));
    return 0;
}
