/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What extensions add to the envelope: DSN, SIZE, BODY, BY. */
#include "driver.h"

bool envelope_command(const struct line *line)
{
    smtp_message_t message = current(MESSAGE);
    smtp_recipient_t recipient = current(RECIPIENT);

    if (word_is(line, 0, "ret"))
        trace_result(smtp_dsn_set_ret(message, (enum ret_flags)number_at(line, 1)));
    else if (word_is(line, 0, "envid"))
        trace_result(smtp_dsn_set_envid(message, text_at(line, 1)));
    else if (word_is(line, 0, "notify"))
        trace_result(smtp_dsn_set_notify(recipient, (enum notify_flags)number_at(line, 1)));
    else if (word_is(line, 0, "orcpt"))
        trace_result(smtp_dsn_set_orcpt(recipient, text_at(line, 1), text_at(line, 2)));
    else if (word_is(line, 0, "size"))
        trace_result(smtp_size_set_estimate(message, (unsigned long)number_at(line, 1)));
    else if (word_is(line, 0, "body"))
        trace_result(smtp_8bitmime_set_body(message, (enum e8bitmime_body)number_at(line, 1)));
    else if (word_is(line, 0, "deliverby"))
        trace_result(smtp_deliverby_set_mode(message, number_at(line, 1),
                                             (enum by_mode)number_at(line, 2),
                                             (int)number_at(line, 3)));
    else
        return false;
    return true;
}
