/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sends a file as a mail. Shows options, events, TLS, authentication and reports in use.
 *
 *   cc mail-file.c mail-file-options.c -o mail-file $(pkg-config --cflags --libs libesmtp-1.0)
 *   ./mail-file --host mail.example.org:587 --tls --from me@example.org text you@example.org */

#define _GNU_SOURCE

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include <auth-client.h>
#include <libesmtp.h>

#include "mail-file-options.h"

enum {
    BLOCK = 8192,
    /* A mail that is smaller is gone before anyone can look at a bar. */
    LARGE = 100 * 1024,
    BAR_WIDTH = 40
};

struct credentials {
    char user[256], password[1024];
};

struct progress {
    const struct settings *settings;
    unsigned long size, sent;
    int shown; /* in percent */
};

/* A file, read in blocks; its line ends become CRLF on the way if that is asked for. */
struct text {
    FILE *file;
    int crlf, after_cr;
    char block[2 * BLOCK];
};

static void fail(const char *what)
{
    char text[256];
    fprintf(stderr, "mail-file: %s: %s\n", what, smtp_strerror(smtp_errno(), text, sizeof text));
}

/* ---- text ---- */

static const char *read_text(void **ctx, int *len, void *arg)
{
    struct text *text = arg;
    char raw[BLOCK];
    size_t count, i, out = 0;

    (void)ctx;
    if (len == NULL) {
        rewind(text->file);
        text->after_cr = 0;
        return NULL;
    }
    count = fread(raw, 1, sizeof raw, text->file);
    if (count == 0 && ferror(text->file) && errno == 0)
        errno = EIO; /* An end with errno set is a failure: a cut mail is not to be sent. */
    for (i = 0; i < count; i++) {
        if (text->crlf && raw[i] == '\n' && !text->after_cr)
            text->block[out++] = '\r';
        text->after_cr = raw[i] == '\r';
        text->block[out++] = raw[i];
    }
    *len = (int)out;
    return text->block;
}

/* The library may have to read a text twice (another session); a pipe can be read once. */
static FILE *seekable(FILE *in)
{
    char block[BLOCK];
    size_t count;
    FILE *copy;

    if (fseek(in, 0, SEEK_SET) == 0)
        return in;
    copy = tmpfile();
    if (copy == NULL)
        return NULL;
    while ((count = fread(block, 1, sizeof block, in)) > 0)
        if (fwrite(block, 1, count, copy) != count)
            return NULL;
    return ferror(in) || fflush(copy) != 0 ? NULL : copy;
}

/* ---- what the user sees ---- */

static void show_progress(struct progress *progress, int bytes)
{
    int percent, filled;

    progress->sent += (unsigned long)bytes;
    if (progress->size < LARGE || progress->settings->quiet || !isatty(STDERR_FILENO))
        return;
    /* Converted line ends make more than the file has. */
    percent = progress->sent >= progress->size ? 100 : (int)(progress->sent * 100 / progress->size);
    if (percent == progress->shown)
        return;
    progress->shown = percent;
    filled = percent * BAR_WIDTH / 100;
    fprintf(stderr, "\r[%.*s%*s] %3d%%%s", filled, "########################################",
            BAR_WIDTH - filled, "", percent, percent == 100 ? "\n" : "");
}

static void monitor(const char *buf, int buflen, int writing, void *arg)
{
    static int secret;
    int answer = writing == SMTP_CB_WRITING && secret;

    (void)arg;
    if (writing == SMTP_CB_WRITING && strncmp(buf, "AUTH ", buflen < 5 ? (size_t)buflen : 5) == 0)
        secret = answer = 1;
    else if (writing == SMTP_CB_READING
             && strncmp(buf, "334", buflen < 3 ? (size_t)buflen : 3) != 0)
        secret = 0;
    fputs(writing == SMTP_CB_READING ? "S: " : writing == SMTP_CB_HEADERS ? "H: " : "C: ", stderr);
    if (answer)
        fputs("(credentials)\n", stderr);
    else
        fwrite(buf, 1, (size_t)buflen, stderr);
}

static void told_of(smtp_session_t session, int event, void *arg, ...)
{
    struct progress *progress = arg;
    const struct settings *settings = progress->settings;
    va_list more;

    (void)session;
    va_start(more, arg);
    switch (event) {
    case SMTP_EV_MESSAGEDATA:
        (void)va_arg(more, smtp_message_t);
        show_progress(progress, va_arg(more, int));
        break;
    case SMTP_EV_INVALID_PEER_CERTIFICATE:
        (void)va_arg(more, long);
        *va_arg(more, int *) = settings->insecure;
        fputs("mail-file: the server's certificate is not valid\n", stderr);
        break;
    case SMTP_EV_WRONG_PEER_CERTIFICATE:
        *va_arg(more, int *) = settings->insecure;
        fprintf(stderr, "mail-file: the certificate is for %s\n", va_arg(more, char *));
        break;
    case SMTP_EV_EXTNA_STARTTLS:
        fputs("mail-file: the server has no TLS\n", stderr);
        break;
    case SMTP_EV_STARTTLS_OK:
        (void)va_arg(more, void *);
        if (!settings->quiet)
            fprintf(stderr, "TLS: %s\n", va_arg(more, char *));
        break;
    case SMTP_EV_EXTNA_DSN:
        fputs("mail-file: the server sends no reports; sent without\n", stderr);
        break;
    default:
        break;
    }
    va_end(more);
}

static void show_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    const smtp_status_t *status = smtp_recipient_status(recipient);
    int *worst = arg;
    int result = EX_OK;

    if (!smtp_recipient_check_complete(recipient))
        result = EX_TEMPFAIL;
    else if (status->code / 100 != 2)
        result = EX_UNAVAILABLE;
    /* Something to try again counts for more than something refused. */
    if (result > *worst)
        *worst = result;
    if (result != EX_OK)
        fprintf(stderr, "mail-file: %s: %d %s", mailbox, status->code,
                status->text != NULL ? status->text : "not sent\n");
}

/* ---- authentication ---- */

static void cut_line_end(char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
}

static int ask_password(const struct settings *settings, struct credentials *credentials)
{
    const char *name = settings->password_file != NULL ? settings->password_file : "/dev/tty";
    FILE *file = fopen(name, settings->password_file != NULL ? "r" : "r+");
    struct termios with_echo, without;
    int hidden, got;

    if (file == NULL) {
        perror(name);
        return 0;
    }
    hidden = tcgetattr(fileno(file), &with_echo) == 0;
    if (hidden) {
        fprintf(file, "Password of %s: ", credentials->user);
        fflush(file);
        without = with_echo;
        without.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fileno(file), TCSAFLUSH, &without);
    }
    got = fgets(credentials->password, (int)sizeof credentials->password, file) != NULL;
    if (hidden) {
        tcsetattr(fileno(file), TCSAFLUSH, &with_echo);
        fputs("\n", file);
    }
    fclose(file);
    cut_line_end(credentials->password);
    return got;
}

static int interact(auth_client_request_t request, char **result, int fields, void *arg)
{
    struct credentials *credentials = arg;
    static char none[] = "";
    int i;

    for (i = 0; i < fields; i++) {
        if (request[i].flags & AUTH_PASS)
            result[i] = credentials->password;
        else
            result[i] = request[i].flags & AUTH_USER ? credentials->user : none;
    }
    return 1;
}

static auth_context_t authentication(const struct settings *settings,
                                     struct credentials *credentials)
{
    auth_context_t context;

    if (strlen(settings->user) >= sizeof credentials->user)
        return NULL;
    strcpy(credentials->user, settings->user);
    if (!ask_password(settings, credentials))
        return NULL;
    context = auth_create_context();
    if (context == NULL)
        return NULL;
    /* In clear text a password is for nobody to read. */
    auth_set_mechanism_flags(context,
                             settings->starttls == Starttls_REQUIRED ? AUTH_PLUGIN_PLAIN : 0, 0);
    auth_set_interact_cb(context, interact, credentials);
    return context;
}

/* ---- the mail ---- */

static int set_up_message(smtp_message_t message, const struct settings *settings,
                          struct text *text, unsigned long size)
{
    int good = smtp_set_reverse_path(message, settings->from);

    if (good && settings->subject != NULL)
        good = smtp_set_header(message, "Subject", settings->subject)
               && smtp_set_header_option(message, "Subject", Hdr_OVERRIDE, 1);
    if (good && settings->mdn != NULL)
        good = smtp_set_header(message, "Disposition-Notification-To", NULL, settings->mdn);
    if (good && settings->envid != NULL)
        good = smtp_dsn_set_envid(message, settings->envid);
    /* Each of these makes the server's extension a condition: not if nobody asked. */
    if (good && settings->ret != Ret_NOTSET)
        good = smtp_dsn_set_ret(message, (enum ret_flags)settings->ret);
    if (good && settings->body != E8bitmime_NOTSET)
        good = smtp_8bitmime_set_body(message, (enum e8bitmime_body)settings->body);
    if (good && size > 0)
        good = smtp_size_set_estimate(message, size);
    return good && smtp_set_messagecb(message, read_text, text);
}

static int add_recipients(smtp_message_t message, const struct settings *settings, char **mailboxes)
{
    smtp_recipient_t recipient;

    for (; *mailboxes != NULL; mailboxes++) {
        recipient = smtp_add_recipient(message, *mailboxes);
        if (recipient == NULL
            || (settings->notify != Notify_NOTSET
                && !smtp_dsn_set_notify(recipient, (enum notify_flags)settings->notify))) {
            fail(*mailboxes);
            return 0;
        }
    }
    return 1;
}

static int set_up_session(smtp_session_t session, const struct settings *settings,
                          struct progress *progress)
{
    static const int timeouts[] = {Timeout_GREETING, Timeout_ENVELOPE, Timeout_DATA,
                                   Timeout_TRANSFER, Timeout_DATA2};
    size_t i;

    if (settings->timeout > 0)
        for (i = 0; i < sizeof timeouts / sizeof *timeouts; i++)
            smtp_set_timeout(session, timeouts[i] + Timeout_OVERRIDE_RFC2822_MINIMUM,
                             settings->timeout * 1000);
    smtp_set_eventcb(session, told_of, progress);
    if (settings->monitor)
        smtp_set_monitorcb(session, monitor, NULL, 1);
    return smtp_set_server(session, settings->host)
           && smtp_starttls_enable(session, (enum starttls_option)settings->starttls)
           && smtp_option_require_all_recipients(session, settings->require_all);
}

static int send_text(const struct settings *settings, struct text *text, char **mailboxes)
{
    static struct credentials credentials;
    struct progress progress = {settings, 0, 0, -1};
    struct stat about;
    auth_context_t auth = NULL;
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);
    int result = EX_OK;

    progress.size = fstat(fileno(text->file), &about) == 0 ? (unsigned long)about.st_size : 0;
    if (!set_up_session(session, settings, &progress)
        || !set_up_message(message, settings, text, progress.size)) {
        fail("arguments");
        result = EX_USAGE;
    } else if (!add_recipients(message, settings, mailboxes)) {
        result = EX_USAGE;
    } else if (settings->user != NULL
               && ((auth = authentication(settings, &credentials)) == NULL
                   || !smtp_auth_set_context(session, auth))) {
        fputs("mail-file: no password\n", stderr);
        result = EX_NOINPUT;
    } else {
        /* 0: the dialogue broke. What the server had said by then is in the statuses. */
        if (!smtp_start_session(session)) {
            fail(settings->host);
            result = EX_TEMPFAIL;
        }
        smtp_enumerate_recipients(message, show_recipient, &result);
    }
    if (result == EX_OK && !settings->quiet)
        printf("sent: %s", smtp_message_transfer_status(message)->text);
    smtp_destroy_session(session);
    if (auth != NULL)
        auth_destroy_context(auth);
    memset(&credentials, 0, sizeof credentials);
    return result;
}

int main(int argc, char **argv)
{
    static struct text text;
    struct settings settings = {0};
    const char *name;
    int result;

    settings.host = "localhost:587";
    if (!parse_options(&settings, argc, argv)) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    name = argv[optind];
    text.file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    if (text.file != NULL)
        text.file = seekable(text.file);
    if (text.file == NULL) {
        perror(name);
        return EX_NOINPUT;
    }
    text.crlf = settings.crlf;
    result = send_text(&settings, &text, argv + optind + 1);
    fclose(text.file);
    return result;
}
