/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The SASL client by itself: contexts, which mechanisms they allow, and what is asked for. */
#include <auth-client.h>

#include "mail.h"
#include "peer.h"
#include "script.h"

struct asked {
    int calls, fields;
    struct auth_client_request requests[4];
    char *user, *secret;
    int answer;
};

static struct asked asked;

static int interact(auth_client_request_t request, char **result, int fields, void *arg)
{
    struct asked *asked = arg;
    int i;

    asked->calls++;
    asked->fields = fields;
    for (i = 0; i < fields && i < 4; i++) {
        asked->requests[i] = request[i];
        result[i] = request[i].flags & AUTH_PASS ? asked->secret : asked->user;
    }
    return asked->answer;
}

static auth_context_t new_context(void)
{
    auth_context_t context = auth_create_context();

    memset(&asked, 0, sizeof asked);
    asked.user = (char *)"user";
    asked.secret = (char *)"secret";
    asked.answer = 1;
    auth_set_interact_cb(context, interact, &asked);
    return context;
}

static void contexts(void)
{
    auth_context_t one = auth_create_context(), two;

    auth_client_init();
    two = auth_create_context();
    CHECK(one != NULL && two != NULL && one != two);
    CHECK_INT(auth_client_enabled(one), 0);
    CHECK_INT(auth_set_interact_cb(one, interact, NULL), 1);
    CHECK_INT(auth_client_enabled(one), 1);
    CHECK_INT(auth_client_enabled(two), 0);
    CHECK_INT(auth_set_interact_cb(one, NULL, NULL), 1);
    CHECK_INT(auth_client_enabled(one), 0);
    CHECK(auth_mechanism_name(one) == NULL);
    CHECK_INT(auth_get_ssf(one), -1);
    CHECK_INT(auth_destroy_context(one), 1);
    CHECK_INT(auth_destroy_context(two), 1);
    /* Programs call it after each mail, or more often than init. */
    auth_client_exit();
    auth_client_exit();
    auth_client_init();
    auth_client_init();
    auth_client_exit();
}

static void plain(void)
{
    auth_context_t context = new_context();
    const char *answer;
    int length = 0;

    CHECK_INT(auth_set_mechanism(context, "PLAIN"), 0);
    CHECK_INT(auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0), 1);
    CHECK_INT(auth_set_mechanism(context, "plain"), 1);
    CHECK_TEXT(auth_mechanism_name(context), "PLAIN");
    CHECK_INT(auth_get_ssf(context), 0);
    answer = auth_response(context, NULL, &length);
    CHECK_INT(length, 12);
    CHECK(answer != NULL && length == 12 && memcmp(answer, "\0user\0secret", 12) == 0);
    CHECK_INT(asked.calls, 1);
    CHECK_INT(asked.fields, 2);
    CHECK_TEXT(asked.requests[0].name, "user");
    CHECK_TEXT(asked.requests[0].prompt, "User Name");
    CHECK_INT(asked.requests[0].flags, AUTH_USER | AUTH_CLEARTEXT);
    CHECK_INT(asked.requests[0].size, 255);
    CHECK_TEXT(asked.requests[1].name, "passphrase");
    CHECK_TEXT(asked.requests[1].prompt, "Pass Phrase");
    CHECK_INT(asked.requests[1].flags, AUTH_PASS | AUTH_CLEARTEXT);
    CHECK_INT(asked.requests[1].size, 255);
    /* Afresh: it asks again. */
    CHECK(auth_response(context, NULL, &length) != NULL);
    CHECK_INT(asked.calls, 2);
    auth_destroy_context(context);
}

static void login(void)
{
    auth_context_t context = new_context();
    const char *answer;
    int length = 0;

    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    CHECK_INT(auth_set_mechanism(context, "LOGIN"), 1);
    CHECK_TEXT(auth_mechanism_name(context), "LOGIN");
    answer = auth_response(context, NULL, &length);
    CHECK(answer != NULL && length == 4 && memcmp(answer, "user", 4) == 0);
    answer = auth_response(context, "Password:", &length);
    CHECK(answer != NULL && length == 6 && memcmp(answer, "secret", 6) == 0);
    CHECK_INT(asked.calls, 1);
    auth_destroy_context(context);
}

/* RFC 2195 §2 gives user, secret, challenge and digest. */
static void cram_md5(void)
{
    static const char want[] = "tim b913a602c7eda7a495b4e6e7334d3890";
    auth_context_t context = new_context();
    const char *challenge = "<1896.697170952@postoffice.reston.mci.net>";
    const char *answer;
    int length = 0;

    asked.user = (char *)"tim";
    asked.secret = (char *)"tanstaaftanstaaf";
    CHECK_INT(auth_set_mechanism(context, "CRAM-MD5"), 1);
    CHECK(auth_response(context, NULL, &length) == NULL);
    CHECK_INT(length, 0);
    length = (int)strlen(challenge);
    answer = auth_response(context, challenge, &length);
    CHECK_INT(length, sizeof want - 1);
    CHECK(answer != NULL && length == sizeof want - 1
          && memcmp(answer, want, sizeof want - 1) == 0);
    auth_destroy_context(context);
}

/* NULL for an answer, or a callback that gives up, is a failure and no crash. */
static void no_answers(void)
{
    auth_context_t context = new_context();
    int length = 7;

    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    CHECK_INT(auth_set_mechanism(context, "PLAIN"), 1);
    asked.secret = NULL;
    CHECK(auth_response(context, NULL, &length) == NULL);
    CHECK_INT(length, 0);
    asked.secret = (char *)"secret";
    asked.user = NULL;
    length = 7;
    CHECK(auth_response(context, NULL, &length) == NULL);
    CHECK_INT(length, 0);
    asked.user = (char *)"user";
    asked.answer = 0;
    length = 7;
    CHECK(auth_response(context, NULL, &length) == NULL);
    CHECK_INT(length, 0);
    auth_set_interact_cb(context, NULL, NULL);
    length = 7;
    CHECK(auth_response(context, NULL, &length) == NULL);
    CHECK_INT(length, 0);
    auth_destroy_context(context);
}

static void external(void)
{
    auth_context_t context = new_context();
    const char *answer;
    int length = 0;

    CHECK_INT(auth_set_mechanism(context, "EXTERNAL"), 0);
    CHECK_INT(auth_set_mechanism_flags(context, AUTH_PLUGIN_EXTERNAL, 0), 1);
    CHECK_INT(auth_set_mechanism(context, "EXTERNAL"), 0);
    CHECK_INT(auth_set_external_id(context, "an earlier one"), 1);
    CHECK_INT(auth_set_external_id(context, "identity"), 1);
    CHECK_INT(auth_set_mechanism_flags(context, 0, AUTH_PLUGIN_EXTERNAL), 1);
    CHECK_INT(auth_set_mechanism(context, "external"), 1);
    CHECK_TEXT(auth_mechanism_name(context), "EXTERNAL");
    answer = auth_response(context, NULL, &length);
    CHECK(answer != NULL && length == 8 && memcmp(answer, "identity", 8) == 0);
    CHECK_INT(auth_get_ssf(context), 0);
    CHECK_INT(asked.calls, 0);
    CHECK_INT(auth_set_external_id(context, NULL), 1);
    CHECK_INT(auth_set_mechanism(context, "EXTERNAL"), 0);
    auth_destroy_context(context);
}

static void strength(void)
{
    auth_context_t context = new_context();

    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    CHECK_INT(auth_set_mechanism_ssf(context, 128), 1);
    CHECK_INT(auth_set_mechanism(context, "PLAIN"), 0);
    CHECK_INT(auth_set_mechanism_ssf(context, 0), 1);
    CHECK_INT(auth_set_mechanism(context, "PLAIN"), 1);
    /* The first list is set after the second one is cleared. */
    CHECK_INT(auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, AUTH_PLUGIN_PLAIN), 1);
    CHECK_INT(auth_set_mechanism(context, "LOGIN"), 1);
    CHECK_INT(auth_set_mechanism_flags(context, 0, AUTH_PLUGIN_PLAIN), 1);
    CHECK_INT(auth_set_mechanism(context, "PLAIN"), 0);
    auth_destroy_context(context);
}

/* Names come from servers; only those of RFC 4422 may reach the file system. */
static void unknown_names(void)
{
    static const char *const names[] = {
        "",
        "NOPE",
        "../login",
        "/etc/passwd",
        "a/b",
        "PLAIN/..",
        "NAME-LONGER-THAN-20-OCTETS",
        "PLA IN",
        "PLAIN\r\n",
        "\303\204",
        ".",
        "%s%s%s",
        "PLAI",
        "PLAIN1",
    };
    auth_context_t context = new_context();
    int length = 0;
    size_t i;

    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN | AUTH_PLUGIN_ANONYMOUS, 0);
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK_INT(auth_set_mechanism(context, names[i]), 0);
    CHECK(auth_mechanism_name(context) == NULL);
    CHECK(auth_response(context, NULL, &length) == NULL);
    CHECK_INT(asked.calls, 0);
    auth_destroy_context(context);
}

/* Without a security layer there is nothing to encode. */
static void no_layer(void)
{
    auth_context_t context = new_context();
    char *text = NULL;
    int length = 0;

    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    auth_set_mechanism(context, "PLAIN");
    auth_encode(&text, &length, "text", 4, context);
    CHECK(text == NULL);
    CHECK_INT(length, 0);
    auth_decode(&text, &length, "text", 4, context);
    CHECK(text == NULL);
    CHECK_INT(length, 0);
    auth_destroy_context(context);
}

/* A context serves one session after another, and is never the session's to free. */
static void in_sessions(void)
{
    auth_context_t context = new_context();
    int round;

    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    for (round = 0; round < 2; round++) {
        struct peer *peer = peer_start(GREETING OFFERS(
            "AUTH PLAIN") "C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235 welcome\n" MAIL_OK(FROM)
                                           RCPT_OK(TO) TEXT_TAKEN GOODBYE);
        smtp_session_t session = new_session(peer_address(peer));

        smtp_add_recipient(new_message(session), "to@example.org");
        CHECK_INT(smtp_auth_set_context(session, context), 1);
        CHECK_INT(smtp_start_session(session), 1);
        smtp_destroy_session(session);
        CHECK(peer_finish(peer));
        peer_free(peer);
        auth_client_exit();
    }
    CHECK_INT(asked.calls, 2);
    auth_destroy_context(context);
}

static void switched_off(void)
{
    struct peer *peer = peer_start("A: AUTH\n");
    auth_context_t context = new_context();
    smtp_session_t session = new_session(peer_address(peer));

    smtp_add_recipient(new_message(session), "to@example.org");
    CHECK_INT(smtp_auth_set_context(session, context), 1);
    CHECK_INT(smtp_auth_set_context(session, NULL), 1);
    auth_destroy_context(context);
    CHECK_INT(smtp_start_session(session), 1);
    smtp_destroy_session(session);
    CHECK(peer_finish(peer));
    CHECK(strstr(peer_wire(peer), "AUTH") == NULL);
    peer_free(peer);
}

int main(void)
{
    RUN(contexts);
    RUN(plain);
    RUN(login);
    RUN(cram_md5);
    RUN(no_answers);
    RUN(external);
    RUN(strength);
    RUN(unknown_names);
    RUN(no_layer);
    RUN(in_sessions);
    RUN(switched_off);
    return check_done("auth");
}
