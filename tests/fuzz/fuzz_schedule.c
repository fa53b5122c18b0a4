/* Any text as a schedule: it is read or refused with one line; what is read can be written, and
 * what was written reads back the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "control/schedule.h"
#include "fuzz.h"

static void check_round_trip(const struct schedule *s, struct cast *cast)
{
    struct buf first = {0}, second = {0};
    struct schedule *again;
    schedule_print(s, cast, &first);
    struct err e = {0};
    if (schedule_parse(&again, first.data, "PRINTED", cast, &e) < 0) {
        fprintf(stderr, "%s\n%s", e.text, first.data);
        abort();
    }
    schedule_print(again, cast, &second);
    if (strcmp(first.data, second.data) != 0)
        abort();
    schedule_free(again);
    buf_fini(&first);
    buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cast *cast = cast_new();
    struct schedule *s;
    struct err e = {0};
    char *text = xmalloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    if (schedule_parse(&s, text, "FILE", cast, &e) == 0) {
        check_round_trip(s, cast);
        schedule_free(s);
    } else if (!e.text[0] || strchr(e.text, '\n')) {
        abort();
    }
    free(text);
    cast_free(cast);
    return 0;
}

uint8_t *fuzz_seed_input(size_t *size)
{
    static const char text[] = "ipclab-schedule 1\n"
                               "for: pipe-deadlock broken\n"
                               "found by: urw, seed 17\n"
                               "time: fair\n"
                               "pipes: 4096\n"
                               "fault P.2 4 error=EMFILE\n"
                               "fault P.1 5 signal=SIGCHLD\n"
                               "P 1  # clone(...)\n"
                               "P.1 1\n"
                               "P.1 2 signal\n"
                               "P/2.1 12 timeout # read(3)\n"
                               "hold P until P.1 passes 3\n"
                               "hold P.2 until P ends\n"
                               "order: P.1 P.2 P\n"
                               "then: urw 17\n";
    *size = sizeof text - 1;
    return xmemdup(text, *size);
}
