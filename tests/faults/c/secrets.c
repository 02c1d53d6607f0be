/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that looks through its own memory for a password once the session is over: stack, heap and
 * whatever else was mapped, for the password itself, for its base64 in each alignment, and for the
 * pads that HMAC makes of it.
 *
 * secrets SERVER MECHANISM LENGTH [tls] */
#include <fcntl.h>
#include <stdint.h>

#include "secure.h"

enum {
    LENGTH_MAX = 1000,
    /* Random octets of which not one in all of memory is the same by chance. */
    WINDOW = 8,
    NEEDLES_MAX = 8 * LENGTH_MAX,
    MAPS_MAX = 1 << 20,
    STACK_LOOKED_AT = 256 * 1024
};

/* All of the program's own is here, where it does not look. */
static struct {
    char password[LENGTH_MAX + 1];
    size_t length;
    uint64_t needles[NEEDLES_MAX];
    size_t count;
    unsigned char table[1 << 16];
    char maps[MAPS_MAX];
    unsigned char shifted[LENGTH_MAX + 2];
    char encoded[2 * LENGTH_MAX];
} own;

static void add(const void *octets)
{
    uint64_t needle;

    memcpy(&needle, octets, WINDOW);
    CHECK(own.count < NEEDLES_MAX);
    own.needles[own.count++] = needle;
    own.table[(uint16_t)needle] = 1;
}

static size_t base64(const unsigned char *in, size_t length, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at, count = 0;

    for (at = 0; at + 3 <= length; at += 3) {
        unsigned group = (unsigned)in[at] << 16 | (unsigned)in[at + 1] << 8 | in[at + 2];
        int digit;

        for (digit = 18; digit >= 0; digit -= 6)
            out[count++] = digits[group >> digit & 63];
    }
    return count;
}

static void make_needles(void)
{
    static const unsigned char pads[] = {0, 0x36, 0x5c};
    size_t pad, shift, at;

    for (pad = 0; pad < sizeof pads; pad++) {
        for (at = 0; at < own.length; at++)
            own.shifted[at] = (unsigned char)own.password[at] ^ pads[pad];
        for (at = 0; at + WINDOW <= own.length; at++)
            add(own.shifted + at);
    }
    for (shift = 0; shift < 3; shift++) {
        size_t count;

        memset(own.shifted, 0, shift);
        memcpy(own.shifted + shift, own.password, own.length);
        /* Filled up, so that each octet of the password is encoded. */
        memset(own.shifted + shift + own.length, 0, sizeof own.shifted - shift - own.length);
        count = base64(own.shifted, (shift + own.length + 2) / 3 * 3, own.encoded);
        count = count < (shift + own.length) * 8 / 6 ? count : (shift + own.length) * 8 / 6;
        /* The first digits are not the password's alone. */
        for (at = (shift * 8 + 5) / 6; at + WINDOW <= count; at++)
            add(own.encoded + at);
    }
}

static int is_needle(const unsigned char *place)
{
    uint64_t word;
    size_t at;

    memcpy(&word, place, WINDOW);
    if (!own.table[(uint16_t)word])
        return 0;
    for (at = 0; at < own.count; at++)
        if (own.needles[at] == word)
            return 1;
    return 0;
}

/* Whether places are told. */
static int told;

static size_t search(const unsigned char *start, const unsigned char *end, const char *name)
{
    const unsigned char *mine = (const unsigned char *)&own;
    size_t found = 0;

    for (; start + WINDOW <= end; start++) {
        if (start >= mine && start < mine + sizeof own)
            start = mine + sizeof own;
        if (start + WINDOW > end || !is_needle(start))
            continue;
        /* Not what it is: that would be one more copy. */
        if (found++ == 0 && told)
            fprintf(stderr, "at %p in %s\n", (const void *)start, name);
    }
    return found;
}

/* Reads the list of mappings without an allocation, which might cover what is looked for. */
static size_t read_maps(void)
{
    int file = open("/proc/self/maps", O_RDONLY);
    size_t length = 0;
    ssize_t got;

    CHECK(file >= 0);
    while ((got = read(file, own.maps + length, sizeof own.maps - 1 - length)) > 0)
        length += (size_t)got;
    close(file);
    own.maps[length] = '\0';
    return length;
}

/* How often it is found in memory that can be written. */
static size_t found_in_memory(void)
{
    char *line;
    size_t found = 0;

    read_maps();
    for (line = own.maps; *line != '\0';) {
        char *end = strchr(line, '\n'), *rest;
        uintptr_t from = strtoul(line, &rest, 16), to = strtoul(rest + 1, &rest, 16);

        *end = '\0';
        /* What the kernel provides cannot be looked into. */
        if (strncmp(rest, " rw", 3) == 0 && strstr(line, "[v") == NULL)
            found += search((unsigned char *)from, (unsigned char *)to, line);
        line = end + 1;
    }
    return found;
}

/* Leaves copies where an incautious library would. */
static __attribute__((noinline)) void *plant(void)
{
    volatile char frame[2 * LENGTH_MAX];
    char *block = malloc(LENGTH_MAX);
    size_t at;

    CHECK(block != NULL);
    for (at = 0; at < own.length; at++)
        frame[at] = block[at] = own.password[at];
    (void)frame[0];
    return block;
}

static __attribute__((noinline)) void wipe_stack(void)
{
    volatile char frame[STACK_LOOKED_AT];
    size_t at;

    for (at = 0; at < sizeof frame; at++)
        frame[at] = 0;
}

static void try_the_search(void)
{
    void *block = plant();

    CHECK(found_in_memory() >= 2);
    memset(block, 0, LENGTH_MAX);
    __asm__ volatile("" : : "r"(block) : "memory");
    free(block);
    wipe_stack();
    CHECK(found_in_memory() == 0);
}

static void send_with_password(const char *server, const char *mechanism, int tls)
{
    smtp_recipient_t recipient;
    smtp_session_t session = new_letter(server, &recipient);
    auth_context_t context = log_in(session, mechanism, own.password);

    if (tls)
        require_tls(session, NULL);
    CHECK(goes_out(session, recipient));
    CHECK(auth_destroy_context(context));
}

int main(int argc, char **argv)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint32_t random = 2463534242U;
    size_t at, found;

    CHECK(argc > 3);
    own.length = strtoul(argv[3], NULL, 10);
    CHECK(own.length >= WINDOW && own.length <= LENGTH_MAX);
    for (at = 0; at < own.length; at++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        own.password[at] = letters[random % (sizeof letters - 1)];
    }
    make_needles();
    try_the_search();
    send_with_password(argv[1], argv[2], argc > 4);
    told = 1;
    found = found_in_memory();
    if (found > 0)
        fprintf(stderr, "%s, %s octets%s: %zu places\n", argv[2], argv[3], argc > 4 ? ", TLS" : "",
                found);
    return found > 0;
}
