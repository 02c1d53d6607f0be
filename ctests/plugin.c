/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SASL plug-ins: found by name, made and ended once for each use, with a security layer on the
 * wire. Needs plugin/with_plugins.py, which puts the plug-ins of plugin/sasl_x.c where the library
 * looks for them. */
#include <link.h>

#include <auth-client.h>

#include "mail.h"
#include "peer_shift.h"
#include "script.h"

/* The plug-ins call these. */
extern void plugin_made(const char *keyword);
extern void plugin_ended(const char *keyword);

static int made, ended, asked;
static char last_made[32];

void plugin_made(const char *keyword)
{
    made++;
    snprintf(last_made, sizeof last_made, "%s", keyword);
}

void plugin_ended(const char *keyword)
{
    (void)keyword;
    ended++;
}

static int interact(auth_client_request_t request, char **result, int fields, void *arg)
{
    CHECK_INT(fields, 1);
    CHECK_TEXT(request[0].name, "user");
    asked++;
    result[0] = arg;
    return 1;
}

static auth_context_t new_context(void)
{
    static char user[] = "somebody";
    auth_context_t context = auth_create_context();

    made = ended = asked = 0;
    last_made[0] = '\0';
    auth_set_interact_cb(context, interact, user);
    return context;
}

/* A plug-in's state is made when it has something to answer for the first time. */
static void begin(auth_context_t context)
{
    int length = 0;
    const char *answer = auth_response(context, NULL, &length);

    CHECK(answer != NULL && length == 8 && memcmp(answer, "somebody", 8) == 0);
}

static void selected(void)
{
    auth_context_t context = new_context();
    const char *answer;
    int length = 0;

    CHECK_INT(auth_set_mechanism(context, "X-TEST"), 1);
    CHECK_TEXT(auth_mechanism_name(context), "X-TEST");
    CHECK_INT(auth_get_ssf(context), 0);
    CHECK_INT(made, 0);
    begin(context);
    CHECK_INT(made, 1);
    CHECK_TEXT(last_made, "X-TEST");
    CHECK_INT(asked, 1);
    length = 5;
    answer = auth_response(context, "hello", &length);
    CHECK(answer != NULL && length == 5 && memcmp(answer, "olleh", 5) == 0);
    length = 7;
    CHECK(auth_response(context, "give up", &length) == NULL);
    CHECK_INT(length, 0);
    auth_destroy_context(context);
    CHECK_INT(made, 1);
    CHECK_INT(ended, 1);
}

static void name_in_any_case(void)
{
    auth_context_t context = new_context();

    CHECK_INT(auth_set_mechanism(context, "x-Test"), 1);
    CHECK_TEXT(auth_mechanism_name(context), "X-TEST");
    auth_destroy_context(context);
    CHECK_INT(made, 0);
    CHECK_INT(ended, 0);
}

/* The former mechanism's state goes when another one is selected. */
static void selected_again(void)
{
    auth_context_t context = new_context();

    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    CHECK_INT(auth_set_mechanism(context, "X-TEST"), 1);
    begin(context);
    CHECK_INT(auth_set_mechanism(context, "X-TEST"), 1);
    CHECK_INT(ended, 1);
    begin(context);
    CHECK_INT(made, 2);
    CHECK_INT(ended, 1);
    CHECK_INT(auth_set_mechanism(context, "PLAIN"), 1);
    CHECK_INT(ended, 2);
    auth_destroy_context(context);
    CHECK_INT(made, 2);
    CHECK_INT(ended, 2);
}

static void two_contexts(void)
{
    auth_context_t one = new_context(), two = new_context();

    CHECK_INT(auth_set_mechanism(one, "X-TEST"), 1);
    CHECK_INT(auth_set_mechanism(two, "X-TEST"), 1);
    begin(one);
    begin(two);
    CHECK_INT(made, 2);
    auth_destroy_context(one);
    CHECK_INT(ended, 1);
    /* Afresh, with new state. */
    begin(two);
    CHECK_INT(made, 3);
    auth_destroy_context(two);
    CHECK_INT(ended, 3);
}

/* What a plug-in says of itself decides whether it may be used. */
static void flags_and_strength(void)
{
    auth_context_t context = new_context();

    CHECK_INT(auth_set_mechanism(context, "X-CLEAR"), 0);
    CHECK_INT(made, 0);
    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    CHECK_INT(auth_set_mechanism(context, "X-CLEAR"), 1);
    auth_set_mechanism_ssf(context, 40);
    CHECK_INT(auth_set_mechanism(context, "X-TEST"), 0);
    CHECK_INT(auth_set_mechanism(context, "X-LAYER"), 1);
    CHECK_INT(auth_get_ssf(context), 56);
    auth_set_mechanism_ssf(context, 57);
    CHECK_INT(auth_set_mechanism(context, "X-LAYER"), 0);
    auth_destroy_context(context);
    CHECK_INT(made, ended);
}

static void layer(void)
{
    auth_context_t context = new_context();
    char *text = NULL;
    int length = 0;

    CHECK_INT(auth_set_mechanism(context, "X-LAYER"), 1);
    begin(context);
    auth_encode(&text, &length, "HAL", 3, context);
    CHECK(length == 3 && text != NULL && memcmp(text, "IBM", 3) == 0);
    auth_decode(&text, &length, "IBM", 3, context);
    CHECK(length == 3 && text != NULL && memcmp(text, "HAL", 3) == 0);
    auth_destroy_context(context);
}

/* No response function, no such symbol, no file. */
static void unusable(void)
{
    static const char *const names[] = {"X-MUTE", "X-ANON", "X-MISSING"};
    auth_context_t context = new_context();
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK_INT(auth_set_mechanism(context, names[i]), 0);
        CHECK(auth_mechanism_name(context) == NULL);
    }
    CHECK_INT(made, 0);
    auth_destroy_context(context);
}

/* These would all lead to the file of X-TEST, or another one, if names were not checked. */
static void hostile_names(void)
{
    static const char *const names[] = {
        "./X-TEST",
        "../sasl-x-test",
        "X-TEST.so",
        "X-TEST/",
        "X-TEST/.",
        "/X-TEST",
        "x-test.so\n",
        "X-TEST\r\n",
        "X-TEST ",
        " X-TEST",
        "X-TEST%s",
        "X-TEST\\",
        "",
        "X-TEST-AND-MUCH-MORE1",
    };
    auth_context_t context = new_context();
    size_t i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK_INT(auth_set_mechanism(context, names[i]), 0);
    CHECK_INT(made, 0);
    auth_destroy_context(context);
}

/* Programs call it whenever they like; what is in use stays loaded. */
static int is_it(struct dl_phdr_info *info, size_t size, void *name)
{
    (void)size;
    return strstr(info->dlpi_name, name) != NULL;
}

static int is_loaded(void)
{
    static char name[] = "/sasl-x-test.so";

    return dl_iterate_phdr(is_it, name);
}

static void unloading(void)
{
    auth_context_t context = new_context();
    int round;

    auth_client_init();
    CHECK_INT(auth_set_mechanism(context, "X-TEST"), 1);
    auth_client_exit();
    CHECK(is_loaded());
    begin(context);
    auth_client_exit();
    begin(context);
    auth_destroy_context(context);
    CHECK_INT(made, 2);
    CHECK_INT(ended, 2);
    CHECK(is_loaded());
    auth_client_exit();
    CHECK(!DLCLOSE_UNLOADS || !is_loaded());
    for (round = 0; round < 3; round++) {
        context = new_context();
        CHECK_INT(auth_set_mechanism(context, "X-TEST"), 1);
        begin(context);
        auth_destroy_context(context);
        CHECK_INT(ended, 1);
        auth_client_exit();
        CHECK(!DLCLOSE_UNLOADS || !is_loaded());
    }
}

static smtp_recipient_t recipient;

static smtp_session_t prepare(struct peer *peer, auth_context_t context)
{
    smtp_session_t session = new_session(peer_address(peer));

    recipient = smtp_add_recipient(new_message(session), "to@example.org");
    CHECK_INT(smtp_auth_set_context(session, context), 1);
    return session;
}

#define MAIL_STEPS \
    MAIL_OK(FROM) \
    RCPT_OK(TO) \
    TEXT_TAKEN \
    GOODBYE

static void finish(smtp_session_t session, auth_context_t context, struct peer *peer)
{
    CHECK_INT(smtp_start_session(session), 1);
    CHECK_INT(smtp_recipient_status(recipient)->code, 250);
    CHECK_INT(smtp_recipient_check_complete(recipient), 1);
    smtp_destroy_session(session);
    auth_destroy_context(context);
    auth_client_exit();
    CHECK(peer_finish(peer));
    CHECK(strstr(peer_text(peer), "Hello.") != NULL);
    peer_free(peer);
    CHECK_INT(made, ended);
}

static void in_a_session(void)
{
    /* "c29tZWJvZHk=" is somebody, "aGVsbG8=" hello, "b2xsZWg=" olleh. */
    struct peer *peer = peer_start("S: 220 peer.example\n"
                                   "C: EHLO client.example\n"
                                   "S: 250-peer.example|250 AUTH ./X-TEST X-MISSING X-MUTE X-TEST\n"
                                   "C: AUTH X-TEST c29tZWJvZHk=\n"
                                   "S: 334 aGVsbG8=\n"
                                   "C: b2xsZWg=\n"
                                   "S: 235 welcome\n" MAIL_STEPS);
    auth_context_t context = new_context();

    finish(prepare(peer, context), context, peer);
    CHECK_INT(made, 1);
}

static void giving_up_in_a_session(void)
{
    struct peer *peer = peer_start("S: 220 peer.example\n"
                                   "C: EHLO client.example\n"
                                   "S: 250-peer.example|250 AUTH X-TEST X-CLEAR\n"
                                   "C: AUTH X-TEST c29tZWJvZHk=\n"
                                   "S: 334 Z2l2ZSB1cA==\n"
                                   "C: *\n"
                                   "S: 501 cancelled\n"
                                   "C: AUTH X-CLEAR c29tZWJvZHk=\n"
                                   "S: 235 welcome\n" MAIL_STEPS);
    auth_context_t context = new_context();

    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    finish(prepare(peer, context), context, peer);
    CHECK_INT(made, 2);
}

/* A server that asks for ever is told to stop. */
static void endless_challenges(void)
{
    static const char begin_steps[] = "S: 220 peer.example\n"
                                      "C: EHLO client.example\n"
                                      "S: 250-peer.example|250 AUTH X-TEST\n"
                                      "C: AUTH X-TEST c29tZWJvZHk=\n";
    static const char challenge[] = "S: 334 aGVsbG8=\nC: b2xsZWg=\n";
    static const char end_steps[] = "S: 334 aGVsbG8=\nC: *\nS: 501 cancelled\n" MAIL_STEPS;
    static char script[sizeof begin_steps + 32 * sizeof challenge + sizeof end_steps];
    struct peer *peer;
    auth_context_t context = new_context();
    int i;

    strcpy(script, begin_steps);
    for (i = 0; i < 32; i++)
        strcat(script, challenge);
    strcat(script, end_steps);
    peer = peer_start(script);
    finish(prepare(peer, context), context, peer);
}

/* After the success everything is coded, and EHLO comes again (RFC 4954 §4). */
static void layer_in_a_session(void)
{
    struct peer *peer =
        peer_start_secure(GREETING OFFERS("AUTH X-LAYER") "C: AUTH X-LAYER c29tZWJvZHk=\n"
                                                          "S: 235 welcome\n"
                                                          "L\n" OFFERS("SIZE 1000") MAIL_STEPS,
                          peer_shift());
    auth_context_t context = new_context();

    finish(prepare(peer, context), context, peer);
    CHECK(peer_shift_used());
}

/* What was offered in clear text does not count any more. */
static void extensions_of_the_layer(void)
{
    struct peer *peer = peer_start_secure("S: 220 peer.example\n"
                                          "C: EHLO client.example\n"
                                          "S: 250-peer.example|250-SIZE|250-DSN|250 AUTH X-LAYER\n"
                                          "C: AUTH X-LAYER c29tZWJvZHk=\n"
                                          "S: 235 welcome\n"
                                          "L\n"
                                          "C: EHLO client.example\n"
                                          "S: 250-peer.example|250 AUTH X-LAYER\n" MAIL_STEPS,
                                          peer_shift());
    auth_context_t context = new_context();
    smtp_session_t session = prepare(peer, context);

    finish(session, context, peer);
}

int main(void)
{
    RUN(selected);
    RUN(name_in_any_case);
    RUN(selected_again);
    RUN(two_contexts);
    RUN(flags_and_strength);
    RUN(layer);
    RUN(unusable);
    RUN(hostile_names);
    RUN(unloading);
    RUN(in_a_session);
    RUN(giving_up_in_a_session);
    RUN(endless_challenges);
    RUN(layer_in_a_session);
    RUN(extensions_of_the_layer);
    return check_done("plugin");
}
