#include "call_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recording_sample.h"

struct recording *sample_record(const struct sample *s)
{
    int fd = memory_file("", 0);
    struct recorder *w;
    assert_int_equal(recorder_open_fd(&w, dup(fd), NULL), 0);
    struct blob_in in[6], out[6];
    size_t in_count = 0, out_count = 0;
    for (size_t i = 0; i < 6 && s->blobs[i].bytes; i++)
        if (s->blobs[i].side == BLOB_OUT)
            out[out_count++] = s->blobs[i];
        else
            in[in_count++] = s->blobs[i];
    struct event ev = {.call = (uint16_t)s->call, .tid = 7, .ret = s->ret};
    memcpy(ev.args, s->args, sizeof ev.args);
    recorder_enter(w, &ev, in, in_count);
    if (!s->is_pending)
        recorder_exit(w, &ev, out, out_count);
    assert_int_equal(recorder_close(w, NULL), 0);
    struct recording *r;
    assert_int_equal(recording_open_fd(&r, fd, "FILE", NULL), 0);
    return r;
}
