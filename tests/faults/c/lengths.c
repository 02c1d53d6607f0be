/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Message callbacks that give odd lengths. */
#include <limits.h>
#include <sys/mman.h>

#include "mail.h"

struct script {
    int lengths[4];
    const char *block;
    int at;
};

static const char *source(void **ctx, int *len, void *arg)
{
    struct script *script = arg;

    (void)ctx;
    if (len == NULL) {
        script->at = 0;
        return NULL;
    }
    *len = script->at < 4 ? script->lengths[script->at] : 0;
    script->at++;
    return script->block;
}

static int start(const char *server, struct script *script, int *delivered)
{
    smtp_recipient_t recipient;
    smtp_session_t session = new_session(server, source, script, &recipient);
    int result = smtp_start_session(session);

    *delivered = is_delivered(recipient);
    CHECK(smtp_destroy_session(session));
    return result;
}

int main(int argc, char **argv)
{
    const char *server = argc > 1 ? argv[1] : "";
    struct script negative = {{14, -1, 5, INT_MIN}, "X: y\r\n\r\nHello.", 0};
    struct script zero = {{0, 0, 0, 0}, NULL, 0};
    struct script nothing = {{20, 0, 0, 0}, NULL, 0};
    struct script huge = {{INT_MAX, 0, 0, 0}, NULL, 0};
    int delivered;

    /* An end is an end, however negative. */
    CHECK(start(server, &negative, &delivered) && delivered);
    CHECK(start(server, &zero, &delivered) && delivered);
    CHECK(!start(server, &nothing, &delivered) && !delivered);
    CHECK(smtp_errno() == SMTP_ERR_CLIENT_ERROR);

    /* Pages that nobody wrote to cost nothing. */
    huge.block = mmap(NULL, INT_MAX, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(huge.block != MAP_FAILED);
    CHECK(start(server, &huge, &delivered) && delivered);
    printf("%ld kB at most\n", memory("VmHWM:"));
    return 0;
}
