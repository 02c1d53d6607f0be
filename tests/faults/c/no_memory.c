/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that is short of memory: the N-th allocation from the creation of a session to its
 * destruction fails, for each N; or all that are as long as what the program hands in.
 *
 * no_memory SERVER each    prints how the sessions ended: "right R failed F aborted A"
 * no_memory SERVER long    nothing that grows with input may end the process */
#include <signal.h>
#include <sys/wait.h>

#include "mail.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

enum { LONG = 100 * 1000, RIGHT = 10, FAILED, UNTOUCHED };

/* Allocations until one fails, 0 = none does; how long one is that fails, 0 = any. */
static long until;
static size_t longest;
static int failures;

static int fails(size_t size)
{
    if ((longest != 0 && size >= longest) || (until > 0 && --until == 0)) {
        failures++;
        errno = ENOMEM;
        return 1;
    }
    return 0;
}

/* These are called in place of the C library's. */

void *malloc(size_t size)
{
    return fails(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(count * size) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails(size) ? NULL : __libc_realloc(old, size);
}

int posix_memalign(void **place, size_t alignment, size_t size)
{
    if (fails(size))
        return ENOMEM;
    *place = __libc_memalign(alignment, size);
    return *place ? 0 : ENOMEM;
}

/* One session, as programs write them that look at results. RIGHT: delivered to both. */
static int outcome(const char *server)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = session ? smtp_add_message(session) : NULL;
    smtp_recipient_t recipients[2];
    int i, good;

    if (message == NULL)
        return session == NULL || smtp_destroy_session(session) ? FAILED : 1;
    good = smtp_set_server(session, server) && smtp_set_hostname(session, "client.example")
           && smtp_set_reverse_path(message, "Me <from@example.org>")
           && smtp_set_header(message, "Subject", "short of memory")
           && smtp_set_header(message, "To", "You", "to@example.org")
           && smtp_set_messagecb(message, _smtp_message_str_cb, (void *)letter);
    for (i = 0; i < 2 && good; i++)
        good = (recipients[i] = smtp_add_recipient(message, "to@example.org")) != NULL;
    good = good && smtp_start_session(session);
    if (!good && smtp_errno() == 0)
        return 2;
    for (i = 0; i < 2 && good; i++)
        good = is_delivered(recipients[i]);
    if (!smtp_destroy_session(session))
        return 3;
    return good ? RIGHT : FAILED;
}

/* In a process of its own; its status. */
static int try_with(const char *server, long number)
{
    pid_t child = fork();
    int status = 0;

    CHECK(child >= 0);
    if (child == 0) {
        int result;

        /* What Rust says of it when it aborts. */
        close(2);
        until = number;
        result = outcome(server);
        until = 0;
        _exit(failures == 0 ? UNTOUCHED : result);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void each(const char *server)
{
    int right = 0, failed = 0, aborted = 0;
    long number;

    for (number = 1;; number++) {
        int status = try_with(server, number);

        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
            aborted++;
            continue;
        }
        if (!WIFEXITED(status))
            fprintf(stderr, "%ld: signal %d\n", number, WTERMSIG(status));
        CHECK(WIFEXITED(status));
        if (WEXITSTATUS(status) == UNTOUCHED)
            break;
        if (WEXITSTATUS(status) == RIGHT)
            right++;
        else if (WEXITSTATUS(status) == FAILED)
            failed++;
        else {
            fprintf(stderr, "%ld: status %d\n", number, WEXITSTATUS(status));
            CHECK(!"neither right nor an error");
        }
    }
    printf("right %d failed %d aborted %d\n", right, failed, aborted);
}

static char *long_text(void)
{
    char *text = malloc(2 * LONG + 1);

    CHECK(text != NULL);
    memset(text, 'x', 2 * LONG);
    text[2 * LONG] = '\0';
    return text;
}

static char *text, *address;

enum { CASES = 11 };

/* What the program hands in is long, and there is no memory for it: 0 or NULL. */
static int hands_in(int which, smtp_session_t session, smtp_message_t message)
{
    switch (which) {
    case 0:
        return smtp_add_recipient(message, address) != NULL;
    case 1:
        return smtp_set_reverse_path(message, address);
    case 2:
        return smtp_set_header(message, "Subject", text);
    case 3:
        return smtp_set_header(message, text, "value");
    case 4:
        return smtp_set_header(message, "To", text, "to@example.org");
    case 5:
        return smtp_set_header(message, "To", "name", address);
    case 6:
        return smtp_set_hostname(session, text);
    case 7:
        return smtp_dsn_set_envid(message, text);
    case 8:
        return smtp_etrn_add_node(session, 0, text) != NULL;
    case 9:
        return smtp_set_header_option(message, text, Hdr_OVERRIDE, 1);
    default:
        return smtp_set_header(message, "Message-Id", text);
    }
}

/* Nothing of that harms the session. */
static int is_harmless(const char *server, int which)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");

    CHECK(smtp_set_reverse_path(message, "from@example.org"));
    CHECK(smtp_set_messagecb(message, _smtp_message_str_cb, (void *)letter));
    longest = LONG;
    if (hands_in(which, session, message) || smtp_errno() == 0)
        return 1;
    longest = 0;
    CHECK(smtp_set_server(session, server));
    CHECK(smtp_set_hostname(session, "client.example"));
    CHECK(smtp_set_reverse_path(message, "from@example.org"));
    CHECK(goes_out(session, recipient));
    return 0;
}

static void lengthy(const char *server)
{
    int which, bad = 0;

    text = long_text();
    address = long_text();
    memcpy(address + 2 * LONG - 12, "@example.org", 12);
    for (which = 0; which < CASES; which++) {
        pid_t child = fork();
        int status;

        CHECK(child >= 0);
        if (child == 0)
            _exit(is_harmless(server, which));
        CHECK(waitpid(child, &status, 0) == child);
        if (status != 0) {
            printf("%d: status %x\n", which, (unsigned)status);
            bad++;
        }
    }
    free(text);
    free(address);
    CHECK(bad == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc > 2);
    if (strcmp(argv[2], "each") == 0)
        each(argv[1]);
    else
        lengthy(argv[1]);
    return 0;
}
