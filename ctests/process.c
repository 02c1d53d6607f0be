/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library is a guest: descriptors, signals, locale, environment stay as they are. */
#include <fcntl.h>
#include <locale.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "mail.h"
#include "peer.h"
#include "script.h"

extern char **environ;

enum { DESCRIPTORS = 256 };

/* Whether the descriptor is the library's connection to the server. */
static int is_connection_to(int fd, int port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    memset(&address, 0, sizeof address);
    return getpeername(fd, (struct sockaddr *)&address, &size) == 0 && address.sin_family == AF_INET
           && ntohs(address.sin_port) == port;
}

static int sockets_seen, inherited;

static void event(smtp_session_t session, int number, void *arg, ...)
{
    int fd;

    (void)session;
    if (number != SMTP_EV_CONNECT && number != SMTP_EV_MESSAGESENT)
        return;
    for (fd = 0; fd < DESCRIPTORS; fd++)
        if (is_connection_to(fd, *(int *)arg)) {
            sockets_seen++;
            if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
                inherited++;
        }
}

static int open_descriptors(void)
{
    int fd, count = 0;

    for (fd = 0; fd < DESCRIPTORS; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static void run_session(const char *script, smtp_eventcb_t callback)
{
    struct peer *peer = peer_start(script);
    smtp_session_t session = new_session(peer_address(peer));
    int port = peer_port(peer);

    smtp_add_recipient(new_message(session), "to@example.org");
    smtp_set_eventcb(session, callback, &port);
    smtp_start_session(session);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

/* A child that the program starts meanwhile must not hold the connection open. */
static void closed_on_exec(void)
{
    run_session("A\n", event);
    CHECK_INT(sockets_seen, 2);
    CHECK_INT(inherited, 0);
}

static void all_closed(void)
{
    int before;

    run_session("A\n", NULL);
    before = open_descriptors();
    run_session("A\n", NULL);
    run_session("X\n", NULL);
    run_session("S: 554 no\nC: QUIT\nS: 221 bye\nE\n", NULL);
    run_session("S: 220 peer.example\nC: EHLO\nX\n", NULL);
    CHECK_INT(open_descriptors(), before);
}

static void count_signal(int number)
{
    (void)number;
}

static void signals(void)
{
    struct sigaction mine, after;
    sigset_t before_mask, after_mask;
    int number;

    memset(&mine, 0, sizeof mine);
    mine.sa_handler = count_signal;
    sigaction(SIGUSR1, &mine, NULL);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_BLOCK, NULL, &before_mask);
    run_session("A\n", NULL);
    run_session("S: 220 peer.example\nC: EHLO\nR\n", NULL);
    sigaction(SIGPIPE, NULL, &after);
    CHECK(after.sa_handler == SIG_DFL);
    sigaction(SIGALRM, NULL, &after);
    CHECK(after.sa_handler == SIG_DFL);
    sigaction(SIGUSR1, NULL, &after);
    CHECK(after.sa_handler == count_signal);
    sigprocmask(SIG_BLOCK, NULL, &after_mask);
    for (number = 1; number < 32; number++)
        CHECK_INT(sigismember(&after_mask, number), sigismember(&before_mask, number));
    sigpending(&after_mask);
    CHECK_INT(sigismember(&after_mask, SIGPIPE), 0);
}

static void surroundings(void)
{
    char before[256], directory[256], after[256];
    char **environment = environ;
    size_t variables = 0, i = 0;
    mode_t mask = umask(022);

    umask(027);
    snprintf(before, sizeof before, "%s", setlocale(LC_ALL, NULL));
    CHECK(getcwd(directory, sizeof directory) != NULL);
    while (environ[variables] != NULL)
        variables++;
    run_session("A\n", NULL);
    CHECK(environ == environment);
    while (environ[i] != NULL)
        i++;
    CHECK_INT(i, variables);
    CHECK_TEXT(setlocale(LC_ALL, NULL), before);
    CHECK(getcwd(after, sizeof after) != NULL);
    CHECK_TEXT(after, directory);
    CHECK_INT(umask(mask), 027);
}

static volatile sig_atomic_t interrupts;

static void interrupt(int number)
{
    (void)number;
    interrupts++;
}

/* Interrupted system calls go on: the program has a timer, without SA_RESTART. The server takes a
 * while over its replies, so that the timer hits. */
static void interrupted(void)
{
    static const struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    struct peer *peer = peer_start("D: 220 slow\n"
                                   "C: EHLO\n"
                                   "D: 250 ok\n" MAIL_OK("") RCPT_OK("") TEXT_TAKEN GOODBYE);
    smtp_session_t session = new_session(peer_address(peer));
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = interrupt;
    sigaction(SIGALRM, &action, NULL);
    smtp_add_recipient(new_message(session), "to@example.org");
    setitimer(ITIMER_REAL, &often, NULL);
    CHECK_INT(smtp_start_session(session), 1);
    setitimer(ITIMER_REAL, &never, NULL);
    /* The last one may still be on its way. */
    signal(SIGALRM, SIG_IGN);
    CHECK(interrupts > 0);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    peer_free(peer);
}

int main(void)
{
    RUN(closed_on_exec);
    RUN(all_closed);
    RUN(signals);
    RUN(surroundings);
    RUN(interrupted);
    return check_done("process");
}
