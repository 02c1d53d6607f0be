/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A daemon that began as root, and whose $HOME is still root's. */
#include <grp.h>

#include "secure.h"

enum { NOBODY = 65534 };

int main(int argc, char **argv)
{
    smtp_recipient_t recipient;
    smtp_session_t session = new_letter(argc > 1 ? argv[1] : "", &recipient);
    int secured = 0;

    /* The authorities of the system do not know the server's certificate. */
    require_tls(session, &secured);
    CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    CHECK(access(getenv("HOME"), X_OK) == -1);
    CHECK(goes_out(session, recipient));
    CHECK(secured == 1);
    return 0;
}
