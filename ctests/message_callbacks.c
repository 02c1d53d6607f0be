/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two ready-made message callbacks, called as an application's own callback would. */
#include <stdlib.h>

#include "mail.h"
#include "peer.h"

static void string(void)
{
    static char text[] = "Subject: a\n\nb\n";
    void *ctx = NULL;
    int round;

    for (round = 0; round < 2; round++) {
        const char *block;
        int length = -1;

        CHECK(_smtp_message_str_cb(&ctx, NULL, text) == NULL);
        /* A program may look whether there is one. */
        CHECK(ctx != NULL);
        block = _smtp_message_str_cb(&ctx, &length, text);
        CHECK_INT(length, sizeof text - 1);
        CHECK(block != NULL && memcmp(block, text, sizeof text - 1) == 0);
        length = -1;
        _smtp_message_str_cb(&ctx, &length, text);
        CHECK_INT(length, 0);
    }
    free(ctx);
}

static void empty_string(void)
{
    static char text[] = "";
    void *ctx = NULL;
    int length = -1;

    _smtp_message_str_cb(&ctx, NULL, text);
    _smtp_message_str_cb(&ctx, &length, text);
    CHECK_INT(length, 0);
    free(ctx);
}

static FILE *file_of(size_t size)
{
    FILE *file = tmpfile();
    size_t i;

    for (i = 0; file != NULL && i < size; i++)
        putc('a' + (int)(i % 26), file);
    return file;
}

static void file(void)
{
    enum { SIZE = 20000 };
    FILE *fp = file_of(SIZE);
    void *ctx = NULL;
    int round;

    CHECK(fp != NULL);
    if (fp == NULL)
        return;
    /* Each round begins at the beginning, wherever the file stands. */
    for (round = 0; round < 2; round++) {
        size_t total = 0;
        int length = 0, same = 1, i;

        CHECK(_smtp_message_fp_cb(&ctx, NULL, fp) == NULL);
        CHECK(ctx != NULL);
        for (;;) {
            const char *block = _smtp_message_fp_cb(&ctx, &length, fp);

            if (length <= 0 || block == NULL)
                break;
            CHECK(ctx != NULL);
            CHECK(length <= 8192);
            for (i = 0; i < length; i++)
                same = same && block[i] == 'a' + (int)((total + (size_t)i) % 26);
            total += (size_t)length;
        }
        CHECK(same);
        CHECK_INT(total, SIZE);
    }
    free(ctx);
    fclose(fp);
}

static int wrapped_calls;

/* As programs do that look at the text on its way. */
static const char *wrapper(void **ctx, int *len, void *arg)
{
    wrapped_calls++;
    return _smtp_message_fp_cb(ctx, len, arg);
}

static void in_a_wrapper(void)
{
    struct peer *peer = peer_start("A\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    FILE *fp = tmpfile();

    CHECK(fp != NULL);
    if (fp == NULL)
        return;
    fputs("Subject: from a file\n\n.leading dot\nend", fp);
    smtp_add_recipient(message, "to@example.org");
    smtp_set_messagecb(message, wrapper, fp);
    CHECK_INT(smtp_start_session(session), 1);
    smtp_destroy_session(session);
    fclose(fp);
    CHECK(peer_finish(peer));
    CHECK(wrapped_calls >= 3);
    CHECK(strstr(peer_text(peer), "Subject: from a file\r\n") != NULL);
    CHECK(strstr(peer_text(peer), "\r\n\r\n..leading dot\r\nend\r\n") != NULL);
    peer_free(peer);
}

static void through_the_macros(void)
{
    struct peer *peer = peer_start("A\n");
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t one = new_message(session), two = new_message(session);
    FILE *fp = tmpfile();

    CHECK(fp != NULL);
    if (fp == NULL)
        return;
    fputs("Subject: one\r\n\r\nfirst\r\n", fp);
    smtp_add_recipient(one, "to@example.org");
    smtp_add_recipient(two, "to@example.org");
    CHECK_INT(smtp_set_message_fp(one, fp), 1);
    CHECK_INT(smtp_set_message_str(two, letter_text), 1);
    CHECK_INT(smtp_start_session(session), 1);
    smtp_destroy_session(session);
    fclose(fp);
    CHECK(peer_finish(peer));
    CHECK_INT(peer_messages(peer), 2);
    CHECK(strstr(peer_text(peer), "\r\n\r\nfirst\r\n") != NULL);
    CHECK(strstr(peer_text(peer), "\r\n\r\nHello.\r\n") != NULL);
    peer_free(peer);
}

int main(void)
{
    RUN(string);
    RUN(empty_string);
    RUN(file);
    RUN(in_a_wrapper);
    RUN(through_the_macros);
    return check_done("message_callbacks");
}
