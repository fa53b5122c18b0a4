/* A recording of one call, for the tests of what a call means and how it reads. */
#ifndef TESTS_UNIT_CALL_SAMPLE_H
#define TESTS_UNIT_CALL_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/recording.h"

/* In tables of samples what is left out is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define BLOB(arg, side, bytes)                                 \
    {                                                          \
        arg, side, sizeof(bytes) - 1, sizeof(bytes) - 1, bytes \
    }

/* A call as the tracer would record it. */
struct sample {
    enum call call;
    uint64_t args[6];
    int64_t ret;
    bool is_pending;
    struct blob_in blobs[6];
};

/* The caller frees. */
struct recording *sample_record(const struct sample *s);

#endif
