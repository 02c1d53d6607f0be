/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host whose threads have small stacks. Prints how many octets of one a session has used.
 *
 * stack SERVER [MECHANISM [tls]] */
#include <pthread.h>
#include <sys/mman.h>

#include "secure.h"

enum { SIZE = 1024 * 1024, PAINT = 0xa5 };

static const char *server, *mechanism;
static int tls;

static void *nothing(void *arg)
{
    return arg;
}

static void *send_one(void *arg)
{
    smtp_recipient_t recipient;
    smtp_session_t session = new_letter(server, &recipient);
    auth_context_t context = NULL;

    CHECK(smtp_set_hostname(session, NULL));
    if (mechanism != NULL)
        context = log_in(session, mechanism, (char *)"secret");
    if (tls)
        require_tls(session, NULL);
    CHECK(goes_out(session, recipient));
    CHECK(context == NULL || auth_destroy_context(context));
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
