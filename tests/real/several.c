/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Submits the messages of a list in one session and prints the dialogue and the result, and at the
   end a line for each status.

   several HOST:SERVICE LIST [STARTS]

   The session is started again, up to so many times, as long as its result is 0.

   The list has a line for each thing to do, which belongs to the message above:
     message NAME   one more message
     from PATH      its reverse path
     to MAILBOX     one more recipient
     text FILE      its text
     body NUMBER    its body type, a value of enum e8bitmime_body */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libesmtp.h>

enum { MESSAGES_MAX = 256, LINE_SIZE = 4096 };

struct letter {
    char name[64];
    smtp_message_t message;
    FILE *text;
};

static struct letter letters[MESSAGES_MAX];
static int count;

static void monitor(const char *text, int length, int writing, void *arg)
{
    (void)arg;
    if (writing == SMTP_CB_WRITING || writing == SMTP_CB_READING)
        printf("%s %.*s\n", writing == SMTP_CB_WRITING ? "C:" : "S:",
               (int)strcspn(text, "\r\n") < length ? (int)strcspn(text, "\r\n") : length, text);
}

/* Says itself what is wrong with the line. */
static int obey(smtp_session_t session, const char *word, const char *argument)
{
    struct letter *letter;

    if (strcmp(word, "message") == 0) {
        if (count == MESSAGES_MAX) {
            fprintf(stderr, "too many messages\n");
            return 0;
        }
        letter = &letters[count++];
        snprintf(letter->name, sizeof letter->name, "%s", argument);
        letter->message = smtp_add_message(session);
        return letter->message != NULL;
    }
    if (count == 0) {
        fprintf(stderr, "no message before: %s\n", word);
        return 0;
    }
    letter = &letters[count - 1];
    if (strcmp(word, "from") == 0)
        return smtp_set_reverse_path(letter->message, argument);
    if (strcmp(word, "to") == 0)
        return smtp_add_recipient(letter->message, argument) != NULL;
    if (strcmp(word, "body") == 0)
        return smtp_8bitmime_set_body(letter->message, (enum e8bitmime_body)atoi(argument));
    if (strcmp(word, "text") == 0) {
        letter->text = fopen(argument, "rb");
        if (letter->text == NULL)
            perror(argument);
        return letter->text != NULL && smtp_set_message_fp(letter->message, letter->text);
    }
    fprintf(stderr, "not known: %s\n", word);
    return 0;
}

static int read_list(smtp_session_t session, FILE *list)
{
    char line[LINE_SIZE];

    while (fgets(line, sizeof line, list)) {
        char *argument;

        line[strcspn(line, "\n")] = '\0';
        argument = line + strcspn(line, " ");
        if (*argument != '\0')
            *argument++ = '\0';
        if (!obey(session, line, argument)) {
            fprintf(stderr, "not done: %s %s\n", line, argument);
            return 0;
        }
    }
    return 1;
}

static void print_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    const struct letter *letter = arg;

    printf("recipient %s %s %d %d\n", letter->name, mailbox,
           smtp_recipient_check_complete(recipient), smtp_recipient_status(recipient)->code);
}

int main(int argc, char **argv)
{
    smtp_session_t session = smtp_create_session();
    FILE *list = argc == 3 || argc == 4 ? fopen(argv[2], "r") : NULL;
    int starts = argc == 4 ? atoi(argv[3]) : 1;

    if (list == NULL) {
        fprintf(stderr, "usage: %s HOST:SERVICE LIST [STARTS]\n", argv[0]);
        return 2;
    }
    smtp_set_server(session, argv[1]);
    smtp_set_hostname(session, "client.example");
    smtp_set_monitorcb(session, monitor, NULL, 0);
    if (!read_list(session, list))
        return 2;
    fclose(list);

    for (int result = 0; starts > 0 && !result; starts--) {
        result = smtp_start_session(session);
        printf("result %d %d\n", result, result ? 0 : smtp_errno());
    }
    for (int i = 0; i < count; i++) {
        printf("message %s %d\n", letters[i].name,
               smtp_message_transfer_status(letters[i].message)->code);
        smtp_enumerate_recipients(letters[i].message, print_recipient, &letters[i]);
    }
    smtp_destroy_session(session);
    for (int i = 0; i < count; i++)
        if (letters[i].text)
            fclose(letters[i].text);
    return 0;
}
