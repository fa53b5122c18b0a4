/* Facts about a recording, as JSON: {"events":N,"steps":N,"payload":BYTES}. */
#include <stdio.h>
#include <string.h>

#include "trace/recording.h"

/* Every side and argument a blob can belong to. */
static uint64_t payload_of(const struct recording *rec, const struct event *ev)
{
    uint64_t bytes = 0;
    struct blob blob;
    for (int arg = 0; arg < 6; arg++) {
        if (recording_blob(rec, ev, arg, BLOB_IN, &blob))
            bytes += blob.kept;
        if (recording_blob(rec, ev, arg, BLOB_OUT, &blob))
            bytes += blob.kept;
    }
    return bytes;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct recording *rec;
    if (argc != 2 || recording_open(&rec, argv[1], &e) < 0) {
        fprintf(stderr, "recording_stat: %s\n", argc == 2 ? e.text : "one recording is wanted");
        return 2;
    }
    uint64_t payload = 0;
    for (uint32_t id = 0; id < recording_event_count(rec); id++)
        payload += payload_of(rec, recording_event(rec, id));
    printf("{\"events\":%u,\"steps\":%u,\"payload\":%llu}\n", recording_event_count(rec),
           recording_step_count(rec), (unsigned long long)payload);
    recording_free(rec);
    return 0;
}
