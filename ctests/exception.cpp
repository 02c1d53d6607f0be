// SPDX-License-Identifier: LGPL-2.1-or-later
// Callbacks that leave by a C++ exception. It reaches the program, objects on the way are
// destroyed, and the session can be destroyed or started again.
#include <cstddef>
#include <stdexcept>
#include <string>

#include "mail.h"
#include "peer.h"
#include "script.h"

namespace
{

bool armed;

[[noreturn]] void fail()
{
    armed = false;
    throw std::runtime_error("thrown by a callback");
}

extern "C" void event(smtp_session_t, int number, void *arg, ...)
{
    if (armed && number == *static_cast<int *>(arg))
        fail();
}

extern "C" void monitor(const char *, int, int, void *)
{
    if (armed)
        fail();
}

extern "C" const char *at_rewind(void **ctx, int *len, void *arg)
{
    if (armed && len == nullptr)
        fail();
    return _smtp_message_str_cb(ctx, len, arg);
}

extern "C" const char *at_block(void **ctx, int *len, void *arg)
{
    if (armed && len != nullptr)
        fail();
    return _smtp_message_str_cb(ctx, len, arg);
}

extern "C" void on_message(smtp_message_t, void *)
{
    fail();
}

extern "C" void on_recipient(smtp_recipient_t, const char *, void *)
{
    fail();
}

extern "C" void on_node(smtp_etrn_node_t, int, const char *, void *)
{
    fail();
}

// Tells whether the exception's way back destroys what the program has on the stack.
struct Local {
    explicit Local(int &count) : count(count)
    {
    }
    ~Local()
    {
        count++;
    }
    int &count;
};

template <typename Call> std::string thrown_by(Call call)
{
    int destroyed = 0;

    armed = true;
    try {
        Local local(destroyed);

        call();
    } catch (const std::runtime_error &error) {
        CHECK_INT(destroyed, 1);
        return error.what();
    }
    armed = false;
    return "nothing";
}

const char connected[] = "S: 220 peer.example\nW";
const char accepted[] = GREETING OFFERS_NOTHING MAIL_OK(FROM) RCPT_OK(TO) "W";
const char in_data[] = GREETING OFFERS_NOTHING MAIL_OK(FROM) RCPT_OK(TO) TEXT_BEGINS "W";

template <typename Set> void left(const std::string &first, bool restart, Set set)
{
    const std::string script = first + "\n" + (restart ? "A\n" : "");
    struct peer *peer = peer_start(script.c_str());
    smtp_session_t session = new_session(peer_address(peer));
    smtp_message_t message = new_message(session);
    smtp_recipient_t recipient = smtp_add_recipient(message, "to@example.org");

    set(session, message);
    CHECK_TEXT(thrown_by([&] { smtp_start_session(session); }).c_str(), "thrown by a callback");
    CHECK_INT(smtp_recipient_check_complete(recipient), 0);
    if (restart) {
        CHECK_INT(smtp_start_session(session), 1);
        CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    }
    CHECK_INT(smtp_destroy_session(session), 1);
    CHECK(peer_finish(peer));
    CHECK_INT(peer_messages(peer), restart ? 1 : 0);
    peer_free(peer);
}

template <typename Set> void both(const std::string &first, Set set)
{
    left(first, false, set);
    left(first, true, set);
}

void from_events()
{
    static int which = SMTP_EV_CONNECT;
    auto set = [](smtp_session_t session, smtp_message_t) {
        smtp_set_eventcb(session, event, &which);
    };

    both(connected, set);
    which = SMTP_EV_RCPTSTATUS;
    both(accepted, set);
}

void from_the_monitor()
{
    both(connected, [](smtp_session_t session, smtp_message_t) {
        smtp_set_monitorcb(session, monitor, nullptr, 1);
    });
}

void from_the_source()
{
    // With CHUNKING and PIPELINING the text is asked for before the replies.
    for (const char *first : {in_data, "A: PIPELINING CHUNKING"}) {
        both(first, [](smtp_session_t, smtp_message_t message) {
            smtp_set_messagecb(message, at_rewind, letter_text);
        });
        both(first, [](smtp_session_t, smtp_message_t message) {
            smtp_set_messagecb(message, at_block, letter_text);
        });
    }
}

void from_enumerations()
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);

    smtp_add_recipient(message, "to@example.org");
    smtp_etrn_add_node(session, 0, "example.org");
    CHECK_TEXT(thrown_by([&] { smtp_enumerate_messages(session, on_message, nullptr); }).c_str(),
               "thrown by a callback");
    CHECK_TEXT(
        thrown_by([&] { smtp_enumerate_recipients(message, on_recipient, nullptr); }).c_str(),
        "thrown by a callback");
    CHECK_TEXT(thrown_by([&] { smtp_etrn_enumerate_nodes(session, on_node, nullptr); }).c_str(),
               "thrown by a callback");
    CHECK(smtp_add_message(session) != nullptr);
    CHECK(smtp_add_recipient(message, "second@example.org") != nullptr);
    CHECK_INT(smtp_destroy_session(session), 1);
}

} // namespace

int main()
{
    RUN(from_events);
    RUN(from_the_monitor);
    RUN(from_the_source);
    RUN(from_enumerations);
    return check_done("exception");
}
