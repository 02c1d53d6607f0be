/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libesmtp.h>

#include "mail-file-options.h"

const char usage[] =
    "usage: mail-file [OPTION]... FILE RECIPIENT...\n"
    "Sends FILE, a mail with its headers (- = standard input), to each RECIPIENT.\n"
    "  -h, --host HOST[:SERVICE]  the server (localhost:587; port 465 = TLS at once)\n"
    "  -f, --from MAILBOX         who gets the reports of failure; none = nobody\n"
    "  -s, --subject TEXT         replaces the file's subject\n"
    "  -n, --notify WHEN          reports about recipients: never, or a list of\n"
    "                             success,failure,delay\n"
    "  -r, --ret full|headers     how much of the mail a report returns\n"
    "  -e, --envid TEXT           what a report quotes\n"
    "  -m, --mdn MAILBOX          whom the reader's program is to tell that it was read\n"
    "  -b, --body 7bit|8bit|binary\n"
    "  -c, --crlf                 convert line ends here, also for a library that does not\n"
    "  -t, --tls                  use STARTTLS if it is offered\n"
    "  -T, --require-tls          or do not send\n"
    "  -k, --insecure             whatever the certificate says\n"
    "  -u, --user NAME            authenticate; the password is asked for on the terminal\n"
    "  -p, --password-file FILE   the password is the first line of FILE\n"
    "  -a, --require-all          send only if every recipient is accepted\n"
    "  -M, --monitor              show the dialogue\n"
    "  -w, --timeout SECONDS      for each reply, instead of 2 to 10 minutes\n"
    "  -q, --quiet                say only what went wrong\n"
    "Status: 0 = sent to all, 69 = refused, 75 = try again later, 64 = bad arguments.\n";

static int notify_flags(char *list)
{
    static const struct {
        const char *name;
        int flag;
    } known[] = {{"success", Notify_SUCCESS}, {"failure", Notify_FAILURE}, {"delay", Notify_DELAY}};
    int flags = 0;
    char *word;
    size_t i;

    if (strcmp(list, "never") == 0)
        return Notify_NEVER;
    for (word = strtok(list, ","); word != NULL; word = strtok(NULL, ",")) {
        for (i = 0; i < 3 && strcmp(word, known[i].name) != 0; i++)
            ;
        if (i == 3)
            return Notify_NOTSET;
        flags |= known[i].flag;
    }
    return flags;
}

/* 1 + the place of word in names; 0 if it is not there. */
static int place(const char *word, const char *const names[])
{
    int i;
    for (i = 0; names[i] != NULL; i++)
        if (strcmp(word, names[i]) == 0)
            return i + 1;
    return 0;
}

int parse_options(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {
        {"host", 1, NULL, 'h'},    {"from", 1, NULL, 'f'},          {"subject", 1, NULL, 's'},
        {"notify", 1, NULL, 'n'},  {"ret", 1, NULL, 'r'},           {"envid", 1, NULL, 'e'},
        {"mdn", 1, NULL, 'm'},     {"body", 1, NULL, 'b'},          {"crlf", 0, NULL, 'c'},
        {"tls", 0, NULL, 't'},     {"require-tls", 0, NULL, 'T'},   {"insecure", 0, NULL, 'k'},
        {"user", 1, NULL, 'u'},    {"password-file", 1, NULL, 'p'}, {"require-all", 0, NULL, 'a'},
        {"monitor", 0, NULL, 'M'}, {"timeout", 1, NULL, 'w'},       {"quiet", 0, NULL, 'q'},
        {NULL, 0, NULL, 0}};
    static const char *const rets[] = {"full", "headers", NULL};
    static const char *const bodies[] = {"7bit", "8bit", "binary", NULL};
    int option, good = 1;

    while ((option = getopt_long(argc, argv, "h:f:s:n:r:e:m:b:ctTku:p:aMw:q", options, NULL))
           != -1) {
        switch (option) {
        case 'h':
            settings->host = optarg;
            break;
        case 'f':
            settings->from = optarg;
            break;
        case 's':
            settings->subject = optarg;
            break;
        case 'n':
            good = good && (settings->notify = notify_flags(optarg)) != Notify_NOTSET;
            break;
        case 'r':
            good = good && (settings->ret = place(optarg, rets)) != 0;
            break;
        case 'e':
            settings->envid = optarg;
            break;
        case 'm':
            settings->mdn = optarg;
            break;
        case 'b':
            good = good && (settings->body = place(optarg, bodies)) != 0;
            break;
        case 'c':
            settings->crlf = 1;
            break;
        case 't':
            settings->starttls = Starttls_ENABLED;
            break;
        case 'T':
            settings->starttls = Starttls_REQUIRED;
            break;
        case 'k':
            settings->insecure = 1;
            break;
        case 'u':
            settings->user = optarg;
            break;
        case 'p':
            settings->password_file = optarg;
            break;
        case 'a':
            settings->require_all = 1;
            break;
        case 'M':
            settings->monitor = 1;
            break;
        case 'w':
            good = good && (settings->timeout = atol(optarg)) > 0;
            break;
        case 'q':
            settings->quiet = 1;
            break;
        default:
            good = 0;
            break;
        }
    }
    return good && argc - optind >= 2;
}
