/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* driver SCRIPT PORT: runs the script's commands against the library that the dynamic linker finds.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "driver.h"

const char *server_port;

/* A line inside a callback is marked, so that the trace shows where it ran. */
static int depth;

static void set_reaction(const char *command)
{
    char name[32], rest[512];
    int occurrence;

    if (sscanf(command, "when %31s %d %511[^\n]", name, &occurrence, rest) != 3)
        bad_script("when", command);
    react(name, occurrence, rest);
}

/* answer EVENT VALUE: what the event callback stores behind an int pointer. `answer none` leaves
 * the preset. */
static bool answer_command(const struct line *line)
{
    if (!word_is(line, 0, "answer"))
        return false;
    if (!word_is(line, 1, "none"))
        answer_event(text_at(line, 1), (int)number_at(line, 2));
    trace_end();
    return true;
}

void run(const char *command)
{
    struct line line;

    line_split(&line, command);
    if (line.count > 0) {
        depth++;
        trace_more("%.*s%s", depth - 1, "..........", command);
        if (word_is(&line, 0, "when")) {
            trace_end();
            set_reaction(command);
        } else if (!answer_command(&line) && !session_command(&line) && !message_command(&line)
                   && !envelope_command(&line) && !inquiry_command(&line) && !data_command(&line)
                   && !auth_command(&line) && !tls_command(&line) && !resolver_command(&line)) {
            bad_script("unknown command", command);
        }
        depth--;
    }
    line_free(&line);
}

int main(int argc, char **argv)
{
    static char command[65536];
    FILE *script;

    if (argc != 3 || (script = fopen(argv[1], "r")) == NULL) {
        fprintf(stderr, "usage: driver SCRIPT PORT\n");
        return 2;
    }
    server_port = argv[2];
    while (fgets(command, sizeof command, script) != NULL) {
        command[strcspn(command, "\n")] = '\0';
        if (command[0] != '#')
            run(command);
    }
    fclose(script);
    if (current(SESSION) != NULL)
        run("destroy");
    sources_free();
    data_free();
    tls_free();
    trace("end");
    return 0;
}
