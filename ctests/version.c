/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtp_version: three texts, and buffers that are just large enough or one byte short. */
#include "mail.h"

static void texts(void)
{
    static const struct {
        int what;
        const char *text;
    } known[] = {
        {Ver_VERSION, "1.1.0"},
        {Ver_SO_VERSION, "6.2.0"},
        {Ver_LT_VERSION, "8:0:2"},
    };
    size_t i;

    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        char buffer[16];
        size_t need = strlen(known[i].text) + 1;

        memset(buffer, '#', sizeof buffer);
        CHECK_INT(smtp_version(buffer, sizeof buffer, known[i].what), 1);
        CHECK_TEXT(buffer, known[i].text);

        memset(buffer, '#', sizeof buffer);
        CHECK_INT(smtp_version(buffer, need, known[i].what), 1);
        CHECK_TEXT(buffer, known[i].text);
        CHECK_INT(buffer[need], '#');

        memset(buffer, '#', sizeof buffer);
        REFUSED(smtp_version(buffer, need - 1, known[i].what));
        CHECK_INT(buffer[need - 1], '#');
        REFUSED(smtp_version(buffer, 0, known[i].what));
    }
}

static void arguments(void)
{
    char buffer[16];

    REFUSED(smtp_version(NULL, 16, Ver_VERSION));
    REFUSED(smtp_version(buffer, sizeof buffer, Ver_LT_VERSION + 1));
    REFUSED(smtp_version(buffer, sizeof buffer, -1));
}

int main(void)
{
    RUN(texts);
    RUN(arguments);
    return check_done("version");
}
