/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libcurl, which keeps the connection from one message to the next. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

struct rest {
    const char *octets;
    size_t length;
};

static CURL *handle;
static struct rest rest;

static void must(CURLcode result, const char *what)
{
    if (result != CURLE_OK) {
        fprintf(stderr, "libcurl: %s: %s\n", what, curl_easy_strerror(result));
        exit(1);
    }
}

static size_t hand_out(char *buffer, size_t size, size_t count, void *argument)
{
    struct rest *source = argument;
    size_t length = size * count < source->length ? size * count : source->length;

    memcpy(buffer, source->octets, length);
    source->octets += length;
    source->length -= length;
    return length;
}

void peer_begin(const char *host, unsigned short port)
{
    char url[256];

    snprintf(url, sizeof url, "smtp://%s:%u/client.example", host, port);
    handle = curl_easy_init();
    must(handle ? CURLE_OK : CURLE_FAILED_INIT, "handle");
    must(curl_easy_setopt(handle, CURLOPT_URL, url), "URL");
    must(curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L), "upload");
    must(curl_easy_setopt(handle, CURLOPT_MAIL_FROM, "<sender@example.org>"), "sender");
    must(curl_easy_setopt(handle, CURLOPT_READFUNCTION, hand_out), "source");
    must(curl_easy_setopt(handle, CURLOPT_READDATA, &rest), "source");
}

void peer_message(const char *octets, size_t length, const char *const *recipients, size_t count)
{
    struct curl_slist *list = NULL;

    /* It looks for the end of the list with each one. */
    for (size_t r = 0; r < count; r++) {
        struct curl_slist *longer = curl_slist_append(list, recipients[r]);

        must(longer ? CURLE_OK : CURLE_OUT_OF_MEMORY, "recipient");
        list = longer;
    }
    rest.octets = octets;
    rest.length = length;
    must(curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, list), "recipients");
    must(curl_easy_perform(handle), "message");
    curl_slist_free_all(list);
}

void peer_end(void)
{
    curl_easy_cleanup(handle);
}
