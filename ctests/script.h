/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What most scripts of the test server (peer.h) have in common, to stand among their strings. */
#ifndef SCRIPT_H
#define SCRIPT_H

#define GREETING "S: 220 peer.example\n"
#define OFFERS_NOTHING "C: EHLO client.example\nS: 250 peer.example\n"
#define OFFERS(keywords) "C: EHLO client.example\nS: 250-peer.example|250 " keywords "\n"
#define TLS_BEGINS "C: STARTTLS\nS: 220 go on\nL\n"
/* `more` is what must follow the verb. */
#define MAIL_OK(more) "C: MAIL" more "\nS: 250 ok\n"
#define RCPT_OK(more) "C: RCPT" more "\nS: 250 ok\n"
#define FROM " FROM:<from@example.org>"
#define TO " TO:<to@example.org>"
#define TEXT_BEGINS "C: DATA\nS: 354 go on\n"
#define TEXT_TAKEN TEXT_BEGINS "T\nS: 250 taken\n"
#define GOODBYE "C: QUIT\nS: 221 bye\nE\n"

#endif
