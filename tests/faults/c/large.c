/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message of many gigabytes takes no more memory than one of a few bytes. */
#include "mail.h"

enum { BLOCK = 1 << 20 };

static char block[BLOCK];
static long blocks, given;

static const char *source(void **ctx, int *len, void *arg)
{
    (void)ctx;
    (void)arg;
    if (len == NULL) {
        given = 0;
        return NULL;
    }
    *len = given++ < blocks ? BLOCK : 0;
    return block;
}

int main(int argc, char **argv)
{
    smtp_recipient_t recipient;
    smtp_session_t session;
    long before, after;
    int at;

    if (argc < 3)
        return 2;
    blocks = strtol(argv[2], NULL, 10);
    memset(block, 'x', sizeof block);
    for (at = 77; at < BLOCK; at += 78)
        block[at] = '\n';
    memcpy(block, "Subject: x\n\n", 12);
    CHECK(send_letter(argv[1]));
    session = new_session(argv[1], source, NULL, &recipient);
    before = memory("VmHWM:");
    CHECK(smtp_start_session(session));
    CHECK(is_delivered(recipient));
    after = memory("VmHWM:");
    CHECK(smtp_destroy_session(session));
    printf("%ld MiB: %ld kB before, %ld kB after\n", blocks, before, after);
    return after - before > 4096;
}
