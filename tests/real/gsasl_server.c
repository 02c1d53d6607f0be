/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mail server that checks passwords with GNU SASL: it knows SCRAM with channel binding, which
   the big servers do not offer yet. STARTTLS is a must, then AUTH. One connection at a time, until
   it is killed.

   gsasl_server [-2] CERTIFICATE USER PASSWORD MECHANISMS FOLDER
     -2  no TLS 1.3

   It prints the port, then of each connection what became of each AUTH, and "end". FOLDER/mail is
   what came, under a header that says who sent it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <gsasl.h>

/* RFC 4954 section 4 for what follows AUTH. */
#define LINE_MAX_BYTES 12290
#define SECONDS 30

static const char *user, *password, *mechanisms, *folder;
static char sender[256];
static SSL *ssl;
static BIO *client;

static void fail(const char *what)
{
    fprintf(stderr, "gsasl_server: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void say(const char *text)
{
    BIO_printf(client, "%s\r\n", text);
    (void)BIO_flush(client);
}

/* The next line without its end; 0 when the client has gone. */
static int get_line(char *line)
{
    int length = BIO_gets(client, line, LINE_MAX_BYTES);

    if (length <= 0)
        return 0;
    line[strcspn(line, "\r\n")] = '\0';
    return 1;
}

static int set_base64(Gsasl_session *session, Gsasl_property property, const unsigned char *bytes,
                      size_t length)
{
    char *text;
    size_t text_length;
    int result = gsasl_base64_to((const char *)bytes, length, &text, &text_length);

    if (result == GSASL_OK) {
        result = gsasl_property_set_raw(session, property, text, text_length);
        gsasl_free(text);
    }
    return result;
}

/* RFC 9266 for TLS 1.3, RFC 5929 section 3 before: in a handshake that resumes nothing the client's
   Finished is the first. */
static int channel_binding(Gsasl_session *session, Gsasl_property property)
{
    unsigned char bytes[64];
    static const char label[] = "EXPORTER-Channel-Binding";

    if (SSL_version(ssl) >= TLS1_3_VERSION) {
        if (property != GSASL_CB_TLS_EXPORTER)
            return GSASL_NO_CB_TLS_UNIQUE;
        if (SSL_export_keying_material(ssl, bytes, 32, label, strlen(label), NULL, 0, 0) != 1)
            return GSASL_NO_CB_TLS_EXPORTER;
        return set_base64(session, property, bytes, 32);
    }
    if (property != GSASL_CB_TLS_UNIQUE)
        return GSASL_NO_CB_TLS_EXPORTER;
    return set_base64(session, property, bytes, SSL_get_peer_finished(ssl, bytes, sizeof bytes));
}

static int answer_property(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    const char *name;

    (void)library;
    switch (property) {
    case GSASL_PASSWORD:
        name = gsasl_property_fast(session, GSASL_AUTHID);
        if (!name || strcmp(name, user) != 0)
            return GSASL_AUTHENTICATION_ERROR;
        return gsasl_property_set(session, property, password);
    case GSASL_CB_TLS_UNIQUE:
    case GSASL_CB_TLS_EXPORTER:
        return channel_binding(session, property);
    default:
        return GSASL_NO_CALLBACK;
    }
}

/* Sends a challenge, and takes a response; 0 if there is none. */
static int challenge(const char *text, char *response)
{
    BIO_printf(client, "334 %s\r\n", text);
    (void)BIO_flush(client);
    return get_line(response) && strcmp(response, "*") != 0;
}

static int converse(Gsasl_session *session, char *initial)
{
    static char response[LINE_MAX_BYTES];
    const char *input = initial && strcmp(initial, "=") != 0 ? initial : "";
    char *output = NULL;
    int result;

    for (;;) {
        int more;

        result = gsasl_step64(session, input, &output);
        if (result != GSASL_OK && result != GSASL_NEEDS_MORE)
            return result;
        /* The last word is a challenge too: 235 has no room for it (RFC 4954 section 4). */
        more = result == GSASL_NEEDS_MORE || *output;
        if (more && !challenge(output, response)) {
            gsasl_free(output);
            return GSASL_AUTHENTICATION_ERROR;
        }
        gsasl_free(output);
        if (result == GSASL_OK)
            return result;
        input = response;
    }
}

static void authenticate(Gsasl *library, char *arguments)
{
    char *mechanism = strtok(arguments, " "), *initial = strtok(NULL, " ");
    Gsasl_session *session;
    int result;

    if (!mechanism || gsasl_server_start(library, mechanism, &session) != GSASL_OK) {
        say("504 unknown mechanism");
        return;
    }
    result = converse(session, initial);
    printf("%s %s\n", mechanism, result == GSASL_OK ? "succeeded" : gsasl_strerror_name(result));
    if (result == GSASL_OK)
        snprintf(sender, sizeof sender, "%s", gsasl_property_fast(session, GSASL_AUTHID));
    gsasl_finish(session);
    say(result == GSASL_OK ? "235 welcome" : "535 no");
}

static void take_mail(void)
{
    static char line[LINE_MAX_BYTES];
    char name[4096];
    FILE *file;

    snprintf(name, sizeof name, "%s/mail", folder);
    file = fopen(name, "wb");
    if (!file)
        fail("no file for the mail");
    fprintf(file, "Received: (Authenticated sender: %s)\n", sender);
    say("354 go on");
    while (get_line(line) && strcmp(line, ".") != 0)
        fprintf(file, "%s\n", line[0] == '.' ? line + 1 : line);
    fclose(file);
    say("250 taken");
}

static BIO *buffered(BIO *source)
{
    return BIO_push(BIO_new(BIO_f_buffer()), source);
}

/* 0 if the handshake fails. */
static int start_tls(SSL_CTX *context, int connection)
{
    BIO *secured = BIO_new(BIO_f_ssl());

    say("220 go on");
    BIO_free_all(client);
    ssl = SSL_new(context);
    SSL_set_fd(ssl, connection);
    BIO_set_ssl(secured, ssl, BIO_CLOSE);
    client = buffered(secured);
    return SSL_accept(ssl) == 1;
}

static void greet(void)
{
    if (!ssl) {
        say("250-gsasl.example");
        say("250 STARTTLS");
        return;
    }
    say("250-gsasl.example");
    BIO_printf(client, "250 AUTH %s\r\n", mechanisms);
    (void)BIO_flush(client);
}

static void converse_with(Gsasl *library, SSL_CTX *context, int connection)
{
    static char line[LINE_MAX_BYTES];

    say("220 gsasl.example ESMTP");
    while (get_line(line)) {
        if (strncasecmp(line, "EHLO", 4) == 0) {
            greet();
        } else if (strcasecmp(line, "STARTTLS") == 0 && !ssl) {
            if (!start_tls(context, connection))
                return;
        } else if (strncasecmp(line, "AUTH ", 5) == 0 && ssl) {
            authenticate(library, line + 5);
        } else if (strcasecmp(line, "QUIT") == 0) {
            say("221 bye");
            return;
        } else if (!*sender) {
            say("530 authenticate first");
        } else if (strcasecmp(line, "DATA") == 0) {
            take_mail();
        } else {
            say("250 ok");
        }
    }
}

static void serve(Gsasl *library, SSL_CTX *context, int connection)
{
    ssl = NULL;
    sender[0] = '\0';
    client = buffered(BIO_new_socket(connection, BIO_NOCLOSE));
    /* Nobody waits for it for ever. */
    alarm(SECONDS);
    converse_with(library, context, connection);
    alarm(0);
    BIO_free_all(client);
    close(connection);
    puts("end");
}

static SSL_CTX *new_context(const char *certificate, int older)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    if (older)
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    if (SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) != 1
        || SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM) != 1)
        fail(certificate);
    return context;
}

static int listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int socket_ = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(socket_, (struct sockaddr *)&address, length) != 0 || listen(socket_, 1) != 0
        || getsockname(socket_, (struct sockaddr *)&address, &length) != 0)
        fail("socket");
    printf("port %d\n", ntohs(address.sin_port));
    return socket_;
}

int main(int argc, char **argv)
{
    int older = argc > 1 && strcmp(argv[1], "-2") == 0;
    char **arguments = argv + older;
    SSL_CTX *context;
    Gsasl *library;

    if (argc - older != 6) {
        fprintf(stderr, "usage: %s [-2] CERTIFICATE USER PASSWORD MECHANISMS FOLDER\n", argv[0]);
        return 2;
    }
    user = arguments[2];
    password = arguments[3];
    mechanisms = arguments[4];
    folder = arguments[5];
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);

    context = new_context(arguments[1], older);
    if (gsasl_init(&library) != GSASL_OK)
        fail("GNU SASL");
    gsasl_callback_set(library, answer_property);
    for (int socket_ = listener();;)
        serve(library, context, accept(socket_, NULL, NULL));
}
