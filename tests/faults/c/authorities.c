/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that has no descriptor left, at any point of a session with TLS, or just when the file of
 * authorities is read; and then it has one again: what failed is not remembered. */
#include <dlfcn.h>
#include <sys/resource.h>

#include "mail.h"

static int short_of_one, refused;

/* Called in place of the C library's: OpenSSL reads the file with it. */
FILE *fopen64(const char *name, const char *mode)
{
    FILE *(*function)(const char *, const char *);

    if (short_of_one && strstr(name, "/ca.pem") != NULL) {
        refused++;
        errno = EMFILE;
        return NULL;
    }
    *(void **)&function = dlsym(RTLD_NEXT, "fopen64");
    return function(name, mode);
}

static smtp_session_t secure_session(const char *server, smtp_recipient_t *recipient)
{
    smtp_session_t session = new_letter(server, recipient);

    CHECK(smtp_starttls_enable(session, Starttls_REQUIRED));
    return session;
}

static void fails(smtp_session_t session, smtp_recipient_t recipient)
{
    CHECK(!smtp_start_session(session));
    CHECK(!smtp_recipient_check_complete(recipient));
    CHECK(smtp_errno() != 0);
}

int main(int argc, char **argv)
{
    const char *server = argc > 1 ? argv[1] : "";
    smtp_recipient_t recipient;
    smtp_session_t session = secure_session(server, &recipient);
    struct rlimit limit, few;
    int next = dup(0), more = 0;

    short_of_one = 1;
    fails(session, recipient);
    CHECK(refused > 0);
    short_of_one = 0;
    CHECK(next >= 0);
    close(next);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (;; more++) {
        few = limit;
        few.rlim_cur = (rlim_t)(next + more);
        CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
        /* The first one is for the connection, the second for a file. */
        if (more == 2)
            break;
        fails(session, recipient);
    }
    while (!smtp_start_session(session)) {
        CHECK(more++ < 10);
        few.rlim_cur++;
        CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    }
    CHECK(is_delivered(recipient));
    CHECK(smtp_destroy_session(session));
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    session = secure_session(server, &recipient);
    CHECK(goes_out(session, recipient));
    return 0;
}
