/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that cancels a thread in the middle of a session. It goes on: its other threads send mail
 * the while and after, the session is destroyed by another thread, and no descriptor is left.
 *
 * cancelled SILENT WORKING [tls]: when the thread waits for the server SILENT, it is cancelled and
 * joined. Says "cancelled" in between, for a server that has to go before the thread ends. */
#include <pthread.h>
#include <sys/syscall.h>

#include "blocks.h"
#include "mail.h"

static volatile pid_t waiter;
static const char *working;
static volatile int over;

static void *start(void *session)
{
    waiter = (pid_t)syscall(SYS_gettid);
    smtp_start_session(session);
    return NULL;
}

static void *send_on(void *count)
{
    do {
        CHECK(send_letter(working));
        ++*(int *)count;
    } while (!over);
    return NULL;
}

static char state_of(pid_t thread)
{
    char name[64], state = '?';
    FILE *file;

    snprintf(name, sizeof name, "/proc/self/task/%d/stat", (int)thread);
    file = fopen(name, "r");
    if (file != NULL) {
        if (fscanf(file, "%*d %*s %c", &state) != 1)
            state = '?';
        fclose(file);
    }
    return state;
}

static void wait_until_it_waits(void)
{
    int seen = 0;

    while (waiter == 0)
        usleep(1000);
    /* It sleeps for moments, too, before it comes to where it has to wait. */
    while (seen < 100) {
        seen = state_of(waiter) == 'S' ? seen + 1 : 0;
        usleep(1000);
    }
}

static int descriptors(void)
{
    int next = dup(0);

    close(next);
    return next;
}

int main(int argc, char **argv)
{
    smtp_recipient_t recipient;
    smtp_session_t session;
    pthread_t thread, other;
    void *result = NULL;
    int sent = 0, before;
    /* More than a connection holds if nobody reads. */
    struct blocks text = {.count = 64, .crlf = 1};

    CHECK(argc > 2);
    working = argv[2];
    CHECK(send_letter(working));
    before = descriptors();
    session = new_session(argv[1], give_blocks, &text, &recipient);
    if (argc > 3)
        CHECK(smtp_starttls_enable(session, Starttls_REQUIRED));
    CHECK(pthread_create(&thread, NULL, start, session) == 0);
    wait_until_it_waits();
    CHECK(pthread_create(&other, NULL, send_on, &sent) == 0);
    CHECK(pthread_cancel(thread) == 0);
    puts("cancelled");
    fflush(stdout);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
    over = 1;
    CHECK(pthread_join(other, NULL) == 0);
    CHECK(sent > 0);
    CHECK(!smtp_recipient_check_complete(recipient));
    CHECK(smtp_destroy_session(session));
    CHECK(descriptors() == before);
    CHECK(send_letter(working));
    return 0;
}
