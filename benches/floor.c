/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* floor NAME=VALUE...: sends what load sends, as a program would that knows beforehand that
 * nothing goes wrong: the fewest calls, nothing copied that need not be. What cannot be
 * undercut. Only the source `string` is known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "floor.h"
#include "gauge.h"
#include "options.h"
#include "scan.h"
#include "text.h"

/* How many messages may be on their way with BDAT, so that replies never fill the way back. */
enum { WINDOW = 64 };

static struct options options;
static struct text text;
static struct {
    int chunking, pipelining, starttls;
} offer;

static void say(struct link *link, const char *words)
{
    link_add(link, words, strlen(words));
}

static void greet(struct link *link)
{
    char reply[4096];

    say(link, "EHLO client.example\r\n");
    link_write(link);
    link_reply(link, reply, sizeof reply);
    offer.chunking = strstr(reply, "CHUNKING\r\n") != NULL;
    offer.pipelining = strstr(reply, "PIPELINING\r\n") != NULL;
    offer.starttls = strstr(reply, "STARTTLS\r\n") != NULL;
}

static void begin(struct link *link)
{
    link_open(link, options.host, options.port);
    link_replies(link, 1);
    greet(link);
    if (options.tls) {
        say(link, "STARTTLS\r\n");
        link_write(link);
        link_replies(link, 1);
        link_secure(link);
        greet(link);
    }
    if (!offer.pipelining) {
        fputs("floor: needs PIPELINING\n", stderr);
        exit(2);
    }
}

static void add_envelope(struct link *link)
{
    char number[24];

    say(link, "MAIL FROM:<sender@example.org>\r\n");
    for (size_t r = 0; r < options.recipients; r++) {
        size_t at = sizeof number, rest = r;

        do
            number[--at] = (char)('0' + rest % 10);
        while (rest /= 10);
        say(link, "RCPT TO:<recipient");
        link_add(link, number + at, sizeof number - at);
        say(link, "@example.org>\r\n");
    }
}

/* Text with bare LF is copied line by line; other text is pointed to between its dots. */
static void add_text(struct link *link, int stuffed)
{
    const char *at = text.octets, *end = at + text.length, *found;

    if (options.text == KIND_LF) {
        while ((found = memchr(at, '\n', (size_t)(end - at)))) {
            if (stuffed && *at == '.')
                say(link, ".");
            link_add(link, at, (size_t)(found - at));
            say(link, "\r\n");
            at = found + 1;
        }
        return;
    }
    while (stuffed && (found = find_line_dot(at, end))) {
        link_refer(link, at, (size_t)(found - at) + 2);
        say(link, ".");
        at = found + 2;
    }
    link_refer(link, at, (size_t)(end - at));
}

static void send_data(struct link *link)
{
    for (size_t m = 0; m < options.messages; m++) {
        add_envelope(link);
        say(link, "DATA\r\n");
        link_write(link);
        link_replies(link, options.recipients + 2 + (m > 0));
        add_text(link, 1);
        say(link, ".\r\n");
    }
    say(link, "QUIT\r\n");
    link_write(link);
    link_replies(link, 2);
}

static void send_chunks(struct link *link)
{
    size_t replies = options.recipients + 2, under_way = 0;
    size_t size = text.length + (options.text == KIND_LF ? text.count : 0);
    char command[64];

    snprintf(command, sizeof command, "BDAT %zu LAST\r\n", size);
    for (size_t m = 0; m < options.messages; m++) {
        add_envelope(link);
        say(link, command);
        add_text(link, 0);
        if (++under_way == WINDOW) {
            link_write(link);
            link_replies(link, replies * under_way);
            under_way = 0;
        }
    }
    say(link, "QUIT\r\n");
    link_write(link);
    link_replies(link, replies * under_way + 1);
}

int main(int argc, char **argv)
{
    struct link link;

    options = read_options(argc, argv);
    text = make_text(options.text, options.size);
    for (size_t s = 0; s < options.sessions; s++) {
        gauge_on();
        begin(&link);
        if (options.binary && offer.chunking)
            send_chunks(&link);
        else
            send_data(&link);
        link_close(&link);
        gauge_off();
    }
    gauge_print();
    free_text(&text);
    return 0;
}
