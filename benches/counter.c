/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For LD_PRELOAD: counts the calls that a program makes for its sockets, those that had to be
 * tried again included. At the end they are in the file that COUNTER_FILE names. */
#include <dlfcn.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned long long writes, reads, waits;

static int is_socket(int descriptor)
{
    struct stat status;

    return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* The function that would have been called. */
#define NEXT(name) \
    static __typeof__(&name) next; \
    if (!next) \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

ssize_t write(int descriptor, const void *octets, size_t length)
{
    NEXT(write);
    writes += (unsigned)is_socket(descriptor);
    return next(descriptor, octets, length);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    NEXT(writev);
    writes += (unsigned)is_socket(descriptor);
    return next(descriptor, parts, count);
}

ssize_t send(int descriptor, const void *octets, size_t length, int flags)
{
    NEXT(send);
    writes++;
    return next(descriptor, octets, length, flags);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    writes++;
    return next(descriptor, message, flags);
}

ssize_t read(int descriptor, void *octets, size_t length)
{
    NEXT(read);
    reads += (unsigned)is_socket(descriptor);
    return next(descriptor, octets, length);
}

ssize_t recv(int descriptor, void *octets, size_t length, int flags)
{
    NEXT(recv);
    reads++;
    return next(descriptor, octets, length, flags);
}

ssize_t recvmsg(int descriptor, struct msghdr *message, int flags)
{
    NEXT(recvmsg);
    reads++;
    return next(descriptor, message, flags);
}

int poll(struct pollfd *watched, nfds_t count, int timeout)
{
    NEXT(poll);
    waits++;
    return next(watched, count, timeout);
}

int ppoll(struct pollfd *watched, nfds_t count, const struct timespec *timeout,
          const sigset_t *mask)
{
    NEXT(ppoll);
    waits++;
    return next(watched, count, timeout, mask);
}

int select(int count, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout)
{
    NEXT(select);
    waits++;
    return next(count, read, write, except, timeout);
}

static __attribute__((destructor)) void print(void)
{
    const char *name = getenv("COUNTER_FILE");
    FILE *file = name ? fopen(name, "w") : NULL;

    if (!file)
        return;
    fprintf(file, "writes %llu\nreads %llu\nwaits %llu\n", writes, reads, waits);
    fclose(file);
}
