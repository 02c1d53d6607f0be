/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hundred thousand recipients, a hundred thousand messages: nothing that grows faster than they
 * do, and no deadlock with a server that takes its time in one direction or in both. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mail.h"

enum {
    MANY = 100000,
    /* Bytes of memory at the peak. With glibc's malloc a recipient takes 240, a message with one
     * 670, and 400 a recipient with a longer mailbox (80 bytes) that is sent. */
    RECIPIENT_MAX = 320,
    MESSAGE_MAX = 900,
    SENT_RECIPIENT_MAX = 520,
    SMALL_BUFFER = 4096,
    /* Not every reply: a busy machine is to be done with them, too. */
    PIECE = 7,
    IN_PIECES = 16,
    /* The client has not moved for so many looks, a millisecond apart: it waits for us. */
    QUIET_LOOKS = 30,
    /* Seconds without a step forward: a deadlock. */
    PATIENCE = 120
};

/* The sanitizers' memory is not ours. */
#if defined(__SANITIZE_ADDRESS__)
enum { MEMORY_COUNTS = 0 };
#else
enum { MEMORY_COUNTS = 1 };
#endif

enum manner { IN_SMALL_PIECES, WITH_A_PAUSE };

struct server {
    pthread_t thread;
    int listener, client;
    char address[32];
    enum manner manner;
    const char *offer;
    char input[8192];
    size_t next, end;
    long recipients, texts;
    int paused, failed;
};

static long peak_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void check_memory(long before_kib, long bound, const char *what)
{
    long each = (peak_kib() - before_kib) * 1024 / MANY;

    printf("  %ld bytes for each %s\n", each, what);
    if (MEMORY_COUNTS)
        CHECK(each <= bound);
}

/* Each test in a process of its own: a peak is never forgotten. */
static void alone(void (*test)(void))
{
    int status = -1;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        /* What hangs is ended, even if nobody watches over us. */
        alarm(PATIENCE);
        /* What failed before has been counted. */
        check_failures = 0;
        test();
        fflush(stdout);
        _exit(check_failures != 0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
}

#define ALONE(test) \
    do { \
        printf("%s\n", #test); \
        alone(test); \
    } while (0)

static void count_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    int number = -1;

    sscanf(mailbox, "%d", &number);
    CHECK(recipient != NULL);
    CHECK_INT(number, (*(long *)arg)++);
}

static void count_message(smtp_message_t message, void *arg)
{
    long before = *(long *)arg;

    smtp_enumerate_recipients(message, count_recipient, arg);
    CHECK_INT(*(long *)arg, before + 1);
}

static void recipients_of_one_message(void)
{
    smtp_session_t session = new_session("127.0.0.1:9");
    smtp_message_t message = new_message(session);
    long before = peak_kib(), count = 0;
    char mailbox[64];
    int i;

    for (i = 0; i < MANY; i++) {
        snprintf(mailbox, sizeof mailbox, "%06d@mailbox.example.org", i);
        CHECK(smtp_add_recipient(message, mailbox) != NULL);
    }
    CHECK(smtp_enumerate_recipients(message, count_recipient, &count));
    CHECK_INT(count, MANY);
    check_memory(before, RECIPIENT_MAX, "recipient");
    CHECK(smtp_destroy_session(session));
}

static void messages_of_one_session(void)
{
    smtp_session_t session = new_session("127.0.0.1:9");
    long before = peak_kib(), count = 0;
    char mailbox[64];
    int i;

    for (i = 0; i < MANY; i++) {
        snprintf(mailbox, sizeof mailbox, "%06d@mailbox.example.org", i);
        CHECK(smtp_add_recipient(new_message(session), mailbox) != NULL);
    }
    CHECK(smtp_enumerate_messages(session, count_message, &count));
    CHECK_INT(count, MANY);
    check_memory(before, MESSAGE_MAX, "message");
    CHECK(smtp_destroy_session(session));
}

/* What the server says of a recipient. */
static int code_for(long number)
{
    return number % 7 == 3 ? 550 : number % 11 == 5 ? 451 : 250;
}

static int say(struct server *server, const char *text)
{
    int in_pieces = server->manner == IN_SMALL_PIECES && server->recipients % IN_PIECES == 0;
    size_t left = strlen(text);

    while (left > 0) {
        size_t size = in_pieces && left > PIECE ? PIECE : left;
        ssize_t sent = send(server->client, text, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return 0;
        text += sent;
        left -= (size_t)sent;
    }
    return 1;
}

static int next_byte(struct server *server)
{
    ssize_t got;

    if (server->next == server->end) {
        got = recv(server->client, server->input, sizeof server->input, 0);
        if (got <= 0)
            return EOF;
        server->next = 0;
        server->end = (size_t)got;
    }
    return (unsigned char)server->input[server->next++];
}

/* The length of a line without its CRLF, -1 at the end. */
static int next_line(struct server *server, char *line, size_t size)
{
    size_t length = 0;
    int byte;

    while ((byte = next_byte(server)) != EOF && byte != '\n')
        if (byte != '\r' && length < size - 1)
            line[length++] = (char)byte;
    line[length] = '\0';
    return byte == EOF ? -1 : (int)length;
}

/* The state of the process's first thread, which is the client: S is asleep. */
static char client_state(void)
{
    char path[64], line[256], state = '?';
    const char *name_end;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
    file = fopen(path, "r");
    if (file != NULL && fgets(line, sizeof line, file) != NULL) {
        name_end = strrchr(line, ')');
        if (name_end != NULL && name_end[1] == ' ')
            state = name_end[2];
    }
    if (file != NULL)
        fclose(file);
    return state;
}

/* Reads nothing until the client has filled all buffers and sleeps: what is still to come is more
 * than they can hold. */
static void pause_until_stuck(struct server *server)
{
    int quiet = 0, waiting = 0, before = 0;

    while (quiet < QUIET_LOOKS) {
        poll(NULL, 0, 1);
        ioctl(server->client, FIONREAD, &waiting);
        quiet = waiting > 0 && waiting == before && client_state() == 'S' ? quiet + 1 : 0;
        before = waiting;
    }
    server->paused++;
}

static int recipient(struct server *server, const char *line)
{
    char reply[128];
    int code;

    /* In order, and each of them once. */
    if (strtol(line + strlen("RCPT TO:<"), NULL, 10) != server->recipients)
        return 0;
    alarm(PATIENCE);
    code = code_for(server->recipients++);
    if (server->manner == WITH_A_PAUSE && server->recipients == MANY / 100)
        pause_until_stuck(server);
    snprintf(reply, sizeof reply, "%d %s\r\n", code,
             code == 250 ? "this recipient is welcome here" : "not this recipient");
    return say(server, reply);
}

static int text(struct server *server)
{
    char line[256];
    int length;

    if (!say(server, "354 go on\r\n"))
        return 0;
    while ((length = next_line(server, line, sizeof line)) >= 0 && strcmp(line, ".") != 0)
        ;
    server->texts++;
    return length >= 0 && say(server, "250 taken\r\n");
}

static int chunk(struct server *server, const char *arguments)
{
    char *rest;
    long size = strtol(arguments, &rest, 10);

    while (size-- > 0)
        if (next_byte(server) == EOF)
            return 0;
    server->texts += strcmp(rest, " LAST") == 0;
    return say(server, "250 taken\r\n");
}

static int answer(struct server *server, const char *line)
{
    if (strncmp(line, "RCPT ", 5) == 0)
        return recipient(server, line);
    if (strncmp(line, "EHLO ", 5) == 0)
        return say(server, server->offer);
    if (strcmp(line, "DATA") == 0)
        return text(server);
    if (strncmp(line, "BDAT ", 5) == 0)
        return chunk(server, line + 5);
    return say(server, "250 ok\r\n");
}

static void *serve(void *arg)
{
    struct server *server = arg;
    char line[256];
    int at_once = 1;

    server->client = accept(server->listener, NULL, NULL);
    setsockopt(server->client, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    server->failed = server->client < 0 || !say(server, "220 server.example\r\n");
    while (!server->failed && next_line(server, line, sizeof line) >= 0) {
        if (strcmp(line, "QUIT") == 0) {
            say(server, "221 bye\r\n");
            break;
        }
        if (!answer(server, line)) {
            fprintf(stderr, "the server gave up at recipient %ld: %s\n", server->recipients, line);
            server->failed = 1;
        }
    }
    close(server->client);
    return NULL;
}

/* Its buffers are small, so that a side that does not read is felt soon. */
static void start_server(struct server *server)
{
    struct sockaddr_in where = {.sin_family = AF_INET};
    socklen_t size = sizeof where;
    int buffer = SMALL_BUFFER;

    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(server->listener, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    CHECK_INT(bind(server->listener, (struct sockaddr *)&where, sizeof where), 0);
    CHECK_INT(listen(server->listener, 1), 0);
    CHECK_INT(getsockname(server->listener, (struct sockaddr *)&where, &size), 0);
    snprintf(server->address, sizeof server->address, "127.0.0.1:%d", ntohs(where.sin_port));
    CHECK_INT(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void check_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    long *number = arg;
    int code = code_for((*number)++);

    (void)mailbox;
    CHECK_INT(smtp_recipient_status(recipient)->code, code);
    CHECK_INT(smtp_recipient_check_complete(recipient), code != 451);
}

/* All commands together are 9 MB: more than sockets hold. */
static void send_to(enum manner manner, const char *offer)
{
    struct server server = {.manner = manner, .offer = offer};
    smtp_session_t session;
    smtp_message_t message;
    long before = peak_kib(), count = 0;
    char mailbox[128];
    int i;

    start_server(&server);
    session = new_session(server.address);
    message = new_message(session);
    if (strstr(offer, "BINARYMIME"))
        CHECK(smtp_8bitmime_set_body(message, E8bitmime_BINARYMIME));
    for (i = 0; i < MANY; i++) {
        snprintf(mailbox, sizeof mailbox, "%06d%.62s@example.org", i,
                 "-with-a-local-part-as-long-as-they-may-be-so-that-buffers-fill-up");
        CHECK(smtp_add_recipient(message, mailbox) != NULL);
    }
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_message_transfer_status(message)->code, 250);
    CHECK(smtp_enumerate_recipients(message, check_recipient, &count));
    CHECK_INT(count, MANY);
    check_memory(before, SENT_RECIPIENT_MAX, "recipient that is sent");
    CHECK(smtp_destroy_session(session));

    pthread_join(server.thread, NULL);
    close(server.listener);
    CHECK(!server.failed);
    CHECK_INT(server.recipients, MANY);
    CHECK_INT(server.texts, 1);
    CHECK_INT(server.paused, manner == WITH_A_PAUSE);
}

static void answers_in_small_pieces(void)
{
    send_to(IN_SMALL_PIECES, "250-server.example\r\n250 PIPELINING\r\n");
}

static void reads_nothing_for_a_while(void)
{
    send_to(WITH_A_PAUSE, "250-server.example\r\n250 PIPELINING\r\n");
}

static void reads_nothing_for_a_while_with_chunks(void)
{
    send_to(WITH_A_PAUSE,
            "250-server.example\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 PIPELINING\r\n");
}

int main(void)
{
    ALONE(recipients_of_one_message);
    ALONE(messages_of_one_session);
    ALONE(answers_in_small_pieces);
    ALONE(reads_nothing_for_a_while);
    ALONE(reads_nothing_for_a_while_with_chunks);
    return check_done("many");
}
