/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtp_errno and smtp_strerror: numbers, texts, threads, and errno. */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "mail.h"

static const char *message_of(int error)
{
    static char text[128];

    return smtp_strerror(error, text, sizeof text);
}

static void texts(void)
{
    static const char *const own[] = {
        "No Error",
        "",
        "Nothing to do",
        "SMTP server dropped connection",
        "Invalid SMTP syntax in server response",
        "SMTP Status code mismatch on continuation line",
        "Invalid SMTP status code in server response",
        "Invalid API function argument",
        "Requested SMTP extension not available",
    };
    int i;

    for (i = 0; i < (int)(sizeof own / sizeof own[0]); i++)
        CHECK_TEXT(message_of(i), own[i]);
    CHECK_TEXT(message_of(SMTP_ERR_UNTERMINATED_RESPONSE), "Unterminated server response");
    CHECK_TEXT(message_of(SMTP_ERR_CLIENT_ERROR), "Client error");
    CHECK_TEXT(message_of(21), "Error 21");
    CHECK_TEXT(message_of(INT_MAX), "Error 2147483647");
}

static void resolver_texts(void)
{
    static const int codes[][2] = {
        {SMTP_ERR_EAI_ADDRFAMILY, EAI_ADDRFAMILY},
        {SMTP_ERR_EAI_NODATA, EAI_NODATA},
        {SMTP_ERR_EAI_FAIL, EAI_FAIL},
        {SMTP_ERR_EAI_AGAIN, EAI_AGAIN},
        {SMTP_ERR_EAI_MEMORY, EAI_MEMORY},
        {SMTP_ERR_EAI_FAMILY, EAI_FAMILY},
        {SMTP_ERR_EAI_BADFLAGS, EAI_BADFLAGS},
        {SMTP_ERR_EAI_NONAME, EAI_NONAME},
        {SMTP_ERR_EAI_SERVICE, EAI_SERVICE},
        {SMTP_ERR_EAI_SOCKTYPE, EAI_SOCKTYPE},
    };
    size_t i;

    for (i = 0; i < sizeof codes / sizeof codes[0]; i++)
        CHECK_TEXT(message_of(codes[i][0]), gai_strerror(codes[i][1]));
}

static void system_texts(void)
{
    static const int codes[] = {ECONNREFUSED, ETIMEDOUT, ENOMEM, EPERM, 4095};
    size_t i;

    for (i = 0; i < sizeof codes / sizeof codes[0]; i++)
        CHECK_TEXT(message_of(-codes[i]), strerror(codes[i]));
    /* Has no positive counterpart. */
    CHECK_TEXT(message_of(INT_MIN), strerror(INT_MIN));
}

static void short_buffers(void)
{
    char buffer[16];
    size_t size;

    REFUSED(smtp_strerror(SMTP_ERR_INVAL, NULL, 10));
    REFUSED(smtp_strerror(SMTP_ERR_INVAL, buffer, 0));
    for (size = 1; size < 12; size++) {
        memset(buffer, '#', sizeof buffer);
        CHECK(smtp_strerror(SMTP_ERR_INVAL, buffer, size) == buffer);
        CHECK_INT(strlen(buffer), size - 1);
        CHECK(strncmp(buffer, "Invalid API", size - 1) == 0);
        CHECK_INT(buffer[size], '#');
        memset(buffer, '#', sizeof buffer);
        CHECK(smtp_strerror(-ECONNREFUSED, buffer, size) == buffer);
        CHECK_INT(strlen(buffer), size - 1);
        CHECK_INT(buffer[size], '#');
        memset(buffer, '#', sizeof buffer);
        CHECK(smtp_strerror(SMTP_ERR_EAI_NONAME, buffer, size) == buffer);
        CHECK_INT(strlen(buffer), size - 1);
        CHECK_INT(buffer[size], '#');
        memset(buffer, '#', sizeof buffer);
        CHECK(smtp_strerror(1234567890, buffer, size) == buffer);
        CHECK_INT(strlen(buffer), size - 1);
        CHECK_INT(buffer[size], '#');
    }
}

static void *in_thread(void *arg)
{
    int *seen = arg;

    seen[0] = smtp_errno();
    smtp_add_message(NULL);
    seen[1] = smtp_errno();
    return NULL;
}

static void threads(void)
{
    int seen[2] = {-1, -1};
    pthread_t thread;

    forget_error();
    pthread_create(&thread, NULL, in_thread, seen);
    pthread_join(thread, NULL);
    CHECK_INT(seen[0], 0);
    CHECK_INT(seen[1], SMTP_ERR_INVAL);
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
}

/* Reading the error does not change it, and success leaves it alone. */
static void stays(void)
{
    smtp_session_t session;

    forget_error();
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
    session = new_session("127.0.0.1:9");
    smtp_add_recipient(new_message(session), "to@example.org");
    smtp_destroy_session(session);
    message_of(SMTP_ERR_INVAL);
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
}

static void nothing(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    (void)recipient;
    (void)mailbox;
    (void)arg;
}

#define LEAVES_ERRNO(call) \
    do { \
        errno = 4321; \
        (void)(call); \
        CHECK_INT(errno, 4321); \
    } while (0)

static void system_errno(void)
{
    smtp_session_t session = new_session("127.0.0.1:9");
    smtp_message_t message = new_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");
    smtp_etrn_node_t node = smtp_etrn_add_node(session, 0, "example.org");
    char text[64];

    LEAVES_ERRNO(smtp_errno());
    LEAVES_ERRNO(smtp_strerror(SMTP_ERR_INVAL, text, sizeof text));
    LEAVES_ERRNO(smtp_strerror(-ENOMEM, text, sizeof text));
    LEAVES_ERRNO(smtp_strerror(-4095, text, 4));
    LEAVES_ERRNO(smtp_strerror(SMTP_ERR_EAI_NONAME, text, sizeof text));
    LEAVES_ERRNO(smtp_strerror(999, text, sizeof text));
    LEAVES_ERRNO(smtp_version(text, sizeof text, Ver_VERSION));
    LEAVES_ERRNO(smtp_get_server_name(session));
    LEAVES_ERRNO(smtp_message_transfer_status(message));
    LEAVES_ERRNO(smtp_reverse_path_status(message));
    LEAVES_ERRNO(smtp_recipient_status(recipient));
    LEAVES_ERRNO(smtp_recipient_check_complete(recipient));
    LEAVES_ERRNO(smtp_etrn_node_status(node));
    LEAVES_ERRNO(smtp_get_application_data(session));
    LEAVES_ERRNO(smtp_message_get_application_data(message));
    LEAVES_ERRNO(smtp_recipient_get_application_data(recipient));
    LEAVES_ERRNO(smtp_etrn_get_application_data(node));
    LEAVES_ERRNO(smtp_enumerate_recipients(message, nothing, NULL));
    LEAVES_ERRNO(smtp_get_server_name(NULL));
    smtp_destroy_session(session);
}

static int refused_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int bound = socket(AF_INET, SOCK_STREAM, 0);

    /* Bound and not listening: nobody else gets the port, and nobody answers there. */
    CHECK_INT(bind(bound, (struct sockaddr *)&address, length), 0);
    CHECK_INT(getsockname(bound, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

/* What went wrong stands behind the text of the number, for the last error alone. */
static void reasons(void)
{
    char server[32], expected[64];
    smtp_session_t session;
    int port = refused_port();

    snprintf(server, sizeof server, "127.0.0.1:%d", port);
    session = new_session(server);
    smtp_add_recipient(new_message(session), "to@example.org");
    errno = 4321;
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(errno, ECONNREFUSED);
    CHECK_INT(smtp_errno(), -ECONNREFUSED);
    snprintf(expected, sizeof expected, "%s: 127.0.0.1:%d", strerror(ECONNREFUSED), port);
    CHECK_TEXT(message_of(-ECONNREFUSED), expected);
    CHECK_TEXT(message_of(-ETIMEDOUT), strerror(ETIMEDOUT));
    /* What succeeds in between takes nothing away. */
    smtp_destroy_session(session);
    CHECK_TEXT(message_of(smtp_errno()), expected);

    CHECK(smtp_add_message(NULL) == NULL);
    CHECK_TEXT(message_of(SMTP_ERR_INVAL),
               "Invalid API function argument: no object: the handle is NULL");
    CHECK_TEXT(message_of(SMTP_ERR_CLIENT_ERROR), "Client error");

    session = new_session("127.0.0.1:9");
    errno = 4321;
    CHECK_INT(smtp_start_session(session), 0);
    CHECK_INT(errno, 0);
    CHECK_INT(smtp_errno(), SMTP_ERR_NOTHING_TO_DO);
    CHECK_TEXT(message_of(smtp_errno()), "Nothing to do");
    CHECK(smtp_add_recipient(new_message(session), "to@example.org\r\nDATA") == NULL);
    CHECK_TEXT(message_of(smtp_errno()),
               "Invalid API function argument: a line end in the mailbox");
    smtp_destroy_session(session);
}

int main(void)
{
    RUN(texts);
    RUN(resolver_texts);
    RUN(system_texts);
    RUN(short_buffers);
    RUN(threads);
    RUN(reasons);
    RUN(stays);
    RUN(system_errno);
    return check_done("errors");
}
