/* Usage: fuzz_TARGET ROUNDS SEED, or fuzz_TARGET FILE... to try inputs that once failed.
 * An input that makes the target crash is left in the file "crash" of the working directory. */
#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"
#include "fuzz.h"

static uint64_t state;
static const uint8_t *current;
static size_t current_size;

/* xorshift64* (Vigna, 2016) */
static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d;
}

static size_t below(size_t limit)
{
    return limit ? next() % limit : 0;
}

static void put_value(uint8_t *bytes, size_t size)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x40};
    size_t at = below(size), run = 1 + below(10);
    uint8_t value = values[below(sizeof values)];
    for (size_t i = at; i < size && i < at + run; i++)
        bytes[i] = value;
}

/* One change; the buffer has room for `room` bytes. */
static size_t mutate(uint8_t *bytes, size_t size, size_t room)
{
    size_t at = below(size), run = 1 + below(64);
    switch (below(6)) {
    case 0: bytes[at] ^= (uint8_t)(1u << below(8)); return size;
    case 1: bytes[at] = (uint8_t)next(); return size;
    case 2: put_value(bytes, size); return size;
    case 3: /* cut a piece out */
        if (at + run >= size)
            return size;
        memmove(bytes + at, bytes + at + run, size - at - run);
        return size - run;
    case 4: /* a piece twice */
        if (at + run >= size || size + run > room)
            return size;
        memmove(bytes + at + run, bytes + at, size - at);
        return size + run;
    default: return below(50) ? size : 1 + at; /* seldom: cut off */
    }
}

static void try_input(const uint8_t *bytes, size_t size)
{
    current = bytes;
    current_size = size;
    LLVMFuzzerTestOneInput(bytes, size);
}

static void keep_crash(int sig)
{
    int fd = open("crash", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd >= 0)
        fd_write_full(fd, current, current_size);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void run_rounds(unsigned long rounds)
{
    size_t size;
    uint8_t *seed = fuzz_seed_input(&size);
    size_t room = size + 4096;
    uint8_t *bytes = xmalloc(room);
    try_input(seed, size);
    for (unsigned long i = 0; i < rounds; i++) {
        memcpy(bytes, seed, size);
        size_t length = size;
        for (size_t changes = 1 + below(6); changes > 0; changes--)
            length = mutate(bytes, length, room);
        try_input(bytes, length);
    }
    free(bytes);
    free(seed);
}

int main(int argc, char **argv)
{
    signal(SIGABRT, keep_crash);
    if (argc == 3 && isdigit((unsigned char)argv[1][0])) {
        state = strtoull(argv[2], NULL, 10) * 2 + 1;
        run_rounds(strtoul(argv[1], NULL, 10));
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        struct buf input = {0};
        struct err e = {0};
        if (file_read(&input, argv[i], 1 << 26, &e) < 0) {
            fprintf(stderr, "%s\n", e.text);
            return 2;
        }
        try_input((const uint8_t *)input.data, input.len);
        buf_fini(&input);
    }
    return 0;
}
