/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that load modules at run time load and unload the library with them, again and again.
 * The library's file is the argument; the program is not linked to it. */
#include <dlfcn.h>
#include <pthread.h>

#include <stddef.h>

#include <libesmtp.h>

#include "check.h"
#include "peer.h"

enum { TIMES = 20 };

static const char *library;

/* dlsym gives an object pointer; POSIX allows what ISO C does not. */
#define FIND(handle, function) \
    do { \
        void *address = dlsym(handle, #function); \
        CHECK(address != NULL); \
        memcpy(&function##_p, &address, sizeof address); \
    } while (0)

static void use(void *handle)
{
    static char text[] = "Subject: loaded\r\n\r\nHello.\r\n";
    smtp_session_t (*smtp_create_session_p)(void);
    int (*smtp_set_server_p)(smtp_session_t, const char *);
    int (*smtp_set_hostname_p)(smtp_session_t, const char *);
    smtp_message_t (*smtp_add_message_p)(smtp_session_t);
    int (*smtp_set_messagecb_p)(smtp_message_t, smtp_messagecb_t, void *);
    const char *(*_smtp_message_str_cb_p)(void **, int *, void *);
    smtp_recipient_t (*smtp_add_recipient_p)(smtp_message_t, const char *);
    int (*smtp_start_session_p)(smtp_session_t);
    int (*smtp_destroy_session_p)(smtp_session_t);
    int (*smtp_errno_p)(void);
    struct peer *peer = peer_start("A: PIPELINING\n");
    smtp_session_t session;
    smtp_message_t message;

    FIND(handle, smtp_create_session);
    FIND(handle, smtp_set_server);
    FIND(handle, smtp_set_hostname);
    FIND(handle, smtp_add_message);
    FIND(handle, smtp_set_messagecb);
    FIND(handle, _smtp_message_str_cb);
    FIND(handle, smtp_add_recipient);
    FIND(handle, smtp_start_session);
    FIND(handle, smtp_destroy_session);
    FIND(handle, smtp_errno);
    session = smtp_create_session_p();
    CHECK_INT(smtp_start_session_p(session), 0);
    CHECK_INT(smtp_errno_p(), SMTP_ERR_INVAL);
    smtp_set_server_p(session, peer_address(peer));
    smtp_set_hostname_p(session, "client.example");
    message = smtp_add_message_p(session);
    smtp_set_messagecb_p(message, _smtp_message_str_cb_p, text);
    CHECK(smtp_add_recipient_p(message, "to@example.org") != NULL);
    CHECK_INT(smtp_start_session_p(session), 1);
    CHECK_INT(smtp_destroy_session_p(session), 1);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

static void load_use_unload(void)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

    CHECK(handle != NULL);
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return;
    }
    use(handle);
    CHECK_INT(dlclose(handle), 0);
    /* Really gone: nothing of it holds it in memory. */
    CHECK(!DLCLOSE_UNLOADS || dlopen(library, RTLD_NOW | RTLD_NOLOAD) == NULL);
}

static void again_and_again(void)
{
    int i;

    for (i = 0; i < TIMES; i++)
        load_use_unload();
}

static void *in_thread(void *arg)
{
    use(arg);
    return NULL;
}

/* A thread that used the library ends after it was unloaded, or before. */
static void *whole_life(void *arg)
{
    (void)arg;
    load_use_unload();
    return NULL;
}

static void from_threads(void)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    pthread_t thread;

    CHECK(handle != NULL);
    if (handle == NULL)
        return;
    pthread_create(&thread, NULL, in_thread, handle);
    pthread_join(thread, NULL);
    CHECK_INT(dlclose(handle), 0);
    CHECK(!DLCLOSE_UNLOADS || dlopen(library, RTLD_NOW | RTLD_NOLOAD) == NULL);
    pthread_create(&thread, NULL, whole_life, NULL);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s LIBRARY\n", argv[0]);
        return 2;
    }
    library = argv[1];
    RUN(again_and_again);
    RUN(from_threads);
    return check_done("load");
}
