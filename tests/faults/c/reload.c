/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that loads the library and lets it go a thousand times. */
#include <dlfcn.h>

#include <libesmtp.h>

#include "memory.h"

static const char letter[] = "Subject: letter\r\n\r\nHello.\r\n";

#define FUNCTION(type, name) \
    type name; \
    *(void **)&name = dlsym(library, #name); \
    if (name == NULL) \
    return 0

typedef smtp_session_t (*create_t)(void);
typedef smtp_message_t (*add_t)(smtp_session_t);
typedef smtp_recipient_t (*recipient_t)(smtp_message_t, const char *);
typedef int (*set_t)(smtp_session_t, const char *);
typedef int (*path_t)(smtp_message_t, const char *);
typedef int (*source_t)(smtp_message_t, smtp_messagecb_t, void *);
typedef int (*session_t)(smtp_session_t);

static int use(void *library, const char *server, int send)
{
    FUNCTION(create_t, smtp_create_session);
    FUNCTION(add_t, smtp_add_message);
    FUNCTION(recipient_t, smtp_add_recipient);
    FUNCTION(set_t, smtp_set_server);
    FUNCTION(path_t, smtp_set_reverse_path);
    FUNCTION(source_t, smtp_set_messagecb);
    FUNCTION(session_t, smtp_start_session);
    FUNCTION(session_t, smtp_destroy_session);
    smtp_messagecb_t text;
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    int good;

    *(void **)&text = dlsym(library, "_smtp_message_str_cb");
    good = text != NULL && smtp_set_server(session, server)
           && smtp_set_reverse_path(message, "from@example.org")
           && smtp_set_messagecb(message, text, (void *)letter)
           && smtp_add_recipient(message, "to@example.org") != NULL;
    if (send)
        good = good && smtp_start_session(session);
    return smtp_destroy_session(session) && good;
}

int main(int argc, char **argv)
{
    long before = 0, after;
    int round;

    if (argc < 3)
        return 2;
    for (round = 0; round < 1000; round++) {
        void *library = dlopen(argv[2], RTLD_NOW);

        if (library == NULL || !use(library, argv[1], round % 50 == 0) || dlclose(library) != 0) {
            fprintf(stderr, "round %d: %s\n", round, dlerror());
            return 1;
        }
        /* It is really gone, and the next round begins with a fresh one. */
        if (dlopen(argv[2], RTLD_NOW | RTLD_NOLOAD) != NULL) {
            fprintf(stderr, "round %d: it stays\n", round);
            return 1;
        }
        if (round == 100)
            before = memory("VmRSS:");
    }
    after = memory("VmRSS:");
    printf("%ld kB after 100 rounds, %ld kB after 1000\n", before, after);
    return after - before > 2048;
}
