/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The options of mail-file. */

#ifndef MAIL_FILE_OPTIONS_H
#define MAIL_FILE_OPTIONS_H

/* Enumerations are those of libesmtp.h; what was not given is NULL or 0. */
struct settings {
    const char *host, *from, *subject, *user, *password_file;
    const char *envid, *mdn;
    int notify, ret, body, starttls;
    int monitor, crlf, insecure, require_all, quiet;
    long timeout;
};

extern const char usage[];

/* The files and recipients begin at argv[optind] then. 0 if the arguments make no sense. */
int parse_options(struct settings *settings, int argc, char **argv);

#endif
