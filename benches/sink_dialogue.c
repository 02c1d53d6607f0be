/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's side of SMTP, as far as a client can notice that nothing is delivered. */
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scan.h"

static const char end_of_data[] = "\r\n.\r\n";

void dialogue_begin(struct dialogue *dialogue, const struct offer *offer, struct wire *wire)
{
    memset(dialogue, 0, sizeof *dialogue);
    dialogue->offer = offer;
    dialogue->wire = wire;
    wire_say(wire, "220 sink.example ESMTP\r\n");
}

static void end_transaction(struct dialogue *dialogue)
{
    dialogue->mail = false;
    dialogue->chunks = false;
    dialogue->chunk_refused = false;
    dialogue->recipients = 0;
}

/* An answer with its enhanced status code, if those are offered, of the length that is wanted. */
static void answer(struct dialogue *dialogue, const char *code, const char *enhanced,
                   const char *text)
{
    static const char more[] = " and what servers say beside that: a name, a number, a greeting,"
                               " an address where one may read more";
    const struct offer *offer = dialogue->offer;
    size_t wanted = strlen(code) + 1 + offer->text, length;
    char line[256];

    snprintf(line, sizeof line - 2, "%s %s%s%s%s", code, offer->enhanced ? enhanced : "",
             offer->enhanced ? " " : "", text, more);
    length = strlen(line);
    memcpy(line + (wanted < length ? wanted : length), "\r\n", sizeof "\r\n");
    wire_say(dialogue->wire, line);
}

static void greet(struct dialogue *dialogue)
{
    const struct offer *offer = dialogue->offer;
    struct wire *wire = dialogue->wire;

    end_transaction(dialogue);
    wire_say(wire, "250-sink.example\r\n");
    if (offer->pipelining)
        wire_say(wire, "250-PIPELINING\r\n");
    if (offer->size)
        wire_say(wire, "250-SIZE\r\n");
    if (offer->eightbitmime)
        wire_say(wire, "250-8BITMIME\r\n");
    if (offer->chunking)
        wire_say(wire, "250-CHUNKING\r\n");
    if (offer->binarymime)
        wire_say(wire, "250-BINARYMIME\r\n");
    if (offer->tls && !wire->tls)
        wire_say(wire, "250-STARTTLS\r\n");
    if (offer->enhanced)
        wire_say(wire, "250-ENHANCEDSTATUSCODES\r\n");
    wire_say(wire, "250 HELP\r\n");
}

static void take_message(struct dialogue *dialogue)
{
    dialogue->messages++;
    end_transaction(dialogue);
    answer(dialogue, "250", "2.0.0", "taken");
}

static void end_chunk(struct dialogue *dialogue)
{
    dialogue->state = STATE_COMMAND;
    if (dialogue->chunk_refused)
        answer(dialogue, "503", "5.5.1", "no recipient");
    else if (dialogue->last_chunk)
        take_message(dialogue);
    else
        answer(dialogue, "250", "2.0.0", "chunk");
}

static void bdat(struct dialogue *dialogue, const char *arguments)
{
    char *rest;

    dialogue->chunk_rest = (size_t)strtoull(arguments, &rest, 10);
    dialogue->last_chunk = strcasecmp(rest, " LAST") == 0;
    dialogue->chunk_refused = dialogue->recipients == 0;
    dialogue->chunks = true;
    dialogue->state = STATE_CHUNK;
    if (dialogue->chunk_rest == 0)
        end_chunk(dialogue);
}

static bool starts(const char *line, const char *command)
{
    return strncasecmp(line, command, strlen(command)) == 0;
}

static void mail(struct dialogue *dialogue)
{
    if (dialogue->mail) {
        answer(dialogue, "503", "5.5.1", "one at a time");
        return;
    }
    dialogue->mail = true;
    answer(dialogue, "250", "2.1.0", "sender ok");
}

static void rcpt(struct dialogue *dialogue)
{
    if (!dialogue->mail || dialogue->chunks) {
        answer(dialogue, "503", "5.5.1", "not now");
        return;
    }
    dialogue->recipients++;
    answer(dialogue, "250", "2.1.5", "recipient ok");
}

static void data(struct dialogue *dialogue)
{
    if (dialogue->recipients == 0 || dialogue->chunks) {
        answer(dialogue, "503", "5.5.1", "not now");
        return;
    }
    wire_say(dialogue->wire, "354 go on\r\n");
    dialogue->state = STATE_TEXT;
    dialogue->matched = 2; /* at the start of a line */
}

static void command(struct dialogue *dialogue, const char *line)
{
    dialogue->commands++;
    if (starts(line, "RCPT TO:<")) {
        rcpt(dialogue);
    } else if (starts(line, "MAIL FROM:<")) {
        mail(dialogue);
    } else if (starts(line, "DATA")) {
        data(dialogue);
    } else if (starts(line, "BDAT ") && dialogue->offer->chunking) {
        bdat(dialogue, line + strlen("BDAT "));
    } else if (starts(line, "RSET")) {
        end_transaction(dialogue);
        answer(dialogue, "250", "2.0.0", "forgotten");
    } else if (starts(line, "EHLO ")) {
        greet(dialogue);
    } else if (starts(line, "HELO ")) {
        end_transaction(dialogue);
        wire_say(dialogue->wire, "250 sink.example\r\n");
    } else if (starts(line, "STARTTLS") && dialogue->offer->tls && !dialogue->wire->tls) {
        answer(dialogue, "220", "2.0.0", "go on");
        dialogue->state = STATE_STARTTLS;
    } else if (starts(line, "QUIT")) {
        answer(dialogue, "221", "2.0.0", "bye");
        dialogue->state = STATE_OVER;
    } else {
        answer(dialogue, "500", "5.5.2", "what?");
    }
}

/* Takes octets up to the end of a command line. */
static size_t feed_command(struct dialogue *dialogue, const char *octets, size_t length)
{
    const char *line_end = memchr(octets, '\n', length);
    size_t count = line_end ? (size_t)(line_end - octets) + 1 : length;
    size_t end;

    if (count > sizeof dialogue->line - dialogue->length) {
        dialogue->state = STATE_OVER;
        return length;
    }
    memcpy(dialogue->line + dialogue->length, octets, count);
    dialogue->length += count;
    if (line_end) {
        end = dialogue->length - 1;
        if (end > 0 && dialogue->line[end - 1] == '\r')
            end--;
        dialogue->line[end] = '\0';
        dialogue->length = 0;
        command(dialogue, dialogue->line);
    }
    return count;
}

/* Takes octets up to the end of the text. Only what may belong to it is looked at one by one. */
static size_t feed_text(struct dialogue *dialogue, const char *octets, size_t length)
{
    const char *at = octets, *end = octets + length;

    while (at < end) {
        if (dialogue->matched == 0) {
            const char *line_end = find_line_dot(at, end);

            /* Without one, the end may begin in the last two octets. */
            if (line_end && line_end > at)
                at = line_end - 1;
            else if (!line_end && end - at > 2)
                at = end - 2;
        }
        if (*at == end_of_data[dialogue->matched])
            dialogue->matched++;
        else
            dialogue->matched = *at == '\r';
        at++;
        if (dialogue->matched == (int)strlen(end_of_data)) {
            dialogue->state = STATE_COMMAND;
            take_message(dialogue);
            break;
        }
    }
    return (size_t)(at - octets);
}

static size_t feed_chunk(struct dialogue *dialogue, size_t length)
{
    size_t count = length < dialogue->chunk_rest ? length : dialogue->chunk_rest;

    dialogue->chunk_rest -= count;
    if (dialogue->chunk_rest == 0)
        end_chunk(dialogue);
    return count;
}

void dialogue_feed(struct dialogue *dialogue, const char *octets, size_t length)
{
    while (length > 0) {
        size_t count = length;

        switch (dialogue->state) {
        case STATE_COMMAND:
            count = feed_command(dialogue, octets, length);
            break;
        case STATE_TEXT:
            count = feed_text(dialogue, octets, length);
            break;
        case STATE_CHUNK:
            count = feed_chunk(dialogue, length);
            break;
        case STATE_STARTTLS: /* nothing may follow in clear */
        case STATE_OVER:
            dialogue->state = STATE_OVER;
            break;
        }
        octets += count;
        length -= count;
    }
}
