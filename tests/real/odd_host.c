/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes any program an odd host: loaded before it (LD_PRELOAD), and told how by ODD_HOST.
 *   reaps     a handler of SIGCHLD that waits for every child, whosever it is; some end meanwhile
 *   forbids   who makes a process or runs a program is killed; threads are allowed
 *   forbids-and-forks    the same, and it tries */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN = 20, BETWEEN_NANOSECONDS = 10000000, CLONE_THREAD_FLAG = 0x00010000 };

static void must(int good, const char *what)
{
    if (!good) {
        perror(what);
        _exit(99);
    }
}

static void reap(int number)
{
    int saved = errno;

    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    errno = saved;
}

static void reaps(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = reap;
    must(sigaction(SIGCHLD, &action, NULL) == 0, "sigaction");
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();

        must(child >= 0, "fork");
        if (child == 0) {
            struct timespec time = {.tv_nsec = (long)i * BETWEEN_NANOSECONDS};

            nanosleep(&time, NULL);
            _exit(0);
        }
    }
}

static void forbids(void)
{
    static struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef __NR_fork
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_fork, 9, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_vfork, 8, 0),
#else
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execve, 9, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execve, 8, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execve, 7, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execveat, 6, 0),
        /* Its arguments are in memory; the C library falls back to clone. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD_FLAG, 1, 2),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};

    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0, "PR_SET_SECCOMP");
}

__attribute__((constructor)) static void begin(void)
{
    const char *how = getenv("ODD_HOST");

    if (how == NULL)
        return;
    if (strcmp(how, "reaps") == 0) {
        reaps();
    } else if (strcmp(how, "forbids") == 0) {
        forbids();
    } else if (strcmp(how, "forbids-and-forks") == 0) {
        forbids();
        if (fork() == 0)
            _exit(0);
    }
}
