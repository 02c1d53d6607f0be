/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Submits one mail and prints a line for all that the library tells: events, what the interact
   callback is asked for, AUTH commands, statuses, the result.

   submit [options] HOST:SERVICE FILE RECIPIENT...
     -f PATH        reverse path
     -t no|yes|must STARTTLS
     -a             accept any certificate
     -u USER        and ...
     -p PASSWORD    ... its password or access token
     -P             allow mechanisms with clear-text passwords
     -m MECHANISM   select it before the session
     -x IDENTITY    external identity
     -b NUMBER      body type, a value of enum e8bitmime_body
     -n             let the library find this host's name */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <auth-client.h>
#include <libesmtp.h>

struct options {
    const char *reverse_path, *user, *password, *mechanism, *external_id;
    enum starttls_option starttls;
    int authenticate, clear_text, accept, body, own_name;
};

static struct options options;

/* A certificate's fault: whether to go on in spite of it. */
static void judge(int *ok)
{
    *ok = options.accept;
    puts(options.accept ? "accepted" : "refused");
}

static void event(smtp_session_t session, int number, void *arg, ...)
{
    va_list arguments;

    (void)session;
    (void)arg;
    va_start(arguments, arg);
    switch (number) {
    case SMTP_EV_CONNECT:
        puts("event CONNECT");
        break;
    case SMTP_EV_DISCONNECT:
        puts("event DISCONNECT");
        break;
    case SMTP_EV_STARTTLS_OK: {
        SSL *ssl = va_arg(arguments, SSL *);

        (void)va_arg(arguments, char *);
        printf("event STARTTLS_OK over 100 bits: %d\n", va_arg(arguments, int) > 100);
        printf("version %s\n", SSL_get_version(ssl));
        break;
    }
    case SMTP_EV_INVALID_PEER_CERTIFICATE:
        printf("event INVALID_PEER_CERTIFICATE %ld ", va_arg(arguments, long));
        judge(va_arg(arguments, int *));
        break;
    case SMTP_EV_WEAK_CIPHER:
        printf("event WEAK_CIPHER %d ", va_arg(arguments, int));
        judge(va_arg(arguments, int *));
        break;
    case SMTP_EV_NO_PEER_CERTIFICATE:
        printf("event NO_PEER_CERTIFICATE ");
        judge(va_arg(arguments, int *));
        break;
    case SMTP_EV_WRONG_PEER_CERTIFICATE: {
        int *ok = va_arg(arguments, int *);

        printf("event WRONG_PEER_CERTIFICATE %s ", va_arg(arguments, char *));
        judge(ok);
        break;
    }
    case SMTP_EV_NO_CLIENT_CERTIFICATE:
        printf("event NO_CLIENT_CERTIFICATE ");
        judge(va_arg(arguments, int *));
        break;
    case SMTP_EV_UNUSABLE_CLIENT_CERTIFICATE:
        puts("event UNUSABLE_CLIENT_CERTIFICATE");
        break;
    case SMTP_EV_UNUSABLE_CA_LIST:
        puts("event UNUSABLE_CA_LIST");
        break;
    case SMTP_EV_EXTNA_STARTTLS:
        puts("event EXTNA_STARTTLS");
        break;
    }
    va_end(arguments);
}

/* Of the dialogue only what shows which mechanisms are tried, and what becomes of them. */
static void monitor(const char *text, int length, int writing, void *arg)
{
    static int authenticating;

    (void)arg;
    if (writing == SMTP_CB_WRITING) {
        if (length > 5 && memcmp(text, "AUTH ", 5) == 0) {
            authenticating = 1;
            printf("AUTH %.*s\n", (int)strcspn(text + 5, " \r\n"), text + 5);
        } else if (length == 3 && memcmp(text, "*\r\n", 3) == 0) {
            puts("AUTH cancelled");
        } else if (length > 8 && memcmp(text, "STARTTLS", 8) == 0) {
            puts("STARTTLS");
        }
    } else if (writing == SMTP_CB_READING && authenticating && length > 3 && text[0] != '3') {
        authenticating = 0;
        printf("answer %.3s\n", text);
    }
}

static int interact(auth_client_request_t request, char **result, int fields, void *arg)
{
    (void)arg;
    printf("asked for");
    for (int i = 0; i < fields; i++) {
        printf(" %s", request[i].name);
        if (request[i].flags & AUTH_USER)
            result[i] = (char *)options.user;
        else if (request[i].flags & AUTH_PASS)
            result[i] = (char *)options.password;
        else
            result[i] = (char *)"";
    }
    putchar('\n');
    return 1;
}

static auth_context_t authentication(void)
{
    auth_context_t context = auth_create_context();

    auth_set_mechanism_flags(context, options.clear_text ? AUTH_PLUGIN_PLAIN : 0,
                             options.clear_text ? 0 : AUTH_PLUGIN_PLAIN);
    auth_set_interact_cb(context, interact, NULL);
    if (options.external_id)
        auth_set_external_id(context, options.external_id);
    if (options.mechanism)
        printf("selected %s: %d\n", options.mechanism,
               auth_set_mechanism(context, options.mechanism));
    return context;
}

static void print_status(const char *what, const smtp_status_t *status)
{
    printf("%s %d %d.%d.%d\n", what, status->code, status->enh_class, status->enh_subject,
           status->enh_detail);
}

static void print_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    (void)arg;
    printf("recipient %s complete: %d, ", mailbox, smtp_recipient_check_complete(recipient));
    print_status("status", smtp_recipient_status(recipient));
}

static enum starttls_option starttls(const char *word)
{
    if (strcmp(word, "must") == 0)
        return Starttls_REQUIRED;
    return strcmp(word, "yes") == 0 ? Starttls_ENABLED : Starttls_DISABLED;
}

/* The index of the first argument that is no option; 0 if one is not known. */
static int read_options(int argc, char **argv)
{
    int letter;

    while ((letter = getopt(argc, argv, "f:t:au:p:Pm:x:b:n")) != -1) {
        switch (letter) {
        case 'f':
            options.reverse_path = optarg;
            break;
        case 't':
            options.starttls = starttls(optarg);
            break;
        case 'a':
            options.accept = 1;
            break;
        case 'u':
            options.user = optarg;
            options.authenticate = 1;
            break;
        case 'p':
            options.password = optarg;
            break;
        case 'P':
            options.clear_text = 1;
            break;
        case 'm':
            options.mechanism = optarg;
            break;
        case 'x':
            options.external_id = optarg;
            options.authenticate = 1;
            break;
        case 'b':
            options.body = atoi(optarg);
            break;
        case 'n':
            options.own_name = 1;
            break;
        default:
            return 0;
        }
    }
    return optind;
}

int main(int argc, char **argv)
{
    int first = read_options(argc, argv);
    auth_context_t context = NULL;
    smtp_session_t session;
    smtp_message_t message;
    FILE *file;
    int result, code;

    if (first == 0 || argc - first < 3) {
        fprintf(stderr, "usage: %s [options] HOST:SERVICE FILE RECIPIENT...\n", argv[0]);
        return 2;
    }
    file = fopen(argv[first + 1], "rb");
    if (!file) {
        perror(argv[first + 1]);
        return 2;
    }
    /* Whatever was printed is there even if the library crashes. */
    setvbuf(stdout, NULL, _IOLBF, 0);

    auth_client_init();
    session = smtp_create_session();
    smtp_set_server(session, argv[first]);
    if (!options.own_name)
        smtp_set_hostname(session, "client.example");
    smtp_set_eventcb(session, event, NULL);
    smtp_set_monitorcb(session, monitor, NULL, 0);
    smtp_starttls_enable(session, options.starttls);
    if (options.authenticate) {
        context = authentication();
        smtp_auth_set_context(session, context);
    }
    message = smtp_add_message(session);
    smtp_set_reverse_path(message, options.reverse_path);
    smtp_set_message_fp(message, file);
    if (options.body)
        smtp_8bitmime_set_body(message, (enum e8bitmime_body)options.body);
    for (int i = first + 2; i < argc; i++)
        smtp_add_recipient(message, argv[i]);

    result = smtp_start_session(session);
    printf("result %d error %d\n", result, result ? 0 : smtp_errno());
    print_status("reverse path", smtp_reverse_path_status(message));
    smtp_enumerate_recipients(message, print_recipient, NULL);
    code = smtp_message_transfer_status(message)->code;
    print_status("message", smtp_message_transfer_status(message));

    smtp_destroy_session(session);
    if (context)
        auth_destroy_context(context);
    auth_client_exit();
    fclose(file);
    return result && code == 250 ? 0 : 1;
}
