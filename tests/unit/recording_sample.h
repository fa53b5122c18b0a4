/* A small recording in which each kind of thing occurs, for the tests of writer and reader. */
#ifndef TESTS_UNIT_RECORDING_SAMPLE_H
#define TESTS_UNIT_RECORDING_SAMPLE_H

#include <stdint.h>

#include "trace/recording.h"

enum { SAMPLE_STEPS = 20 };

/* Writes it through the recorder; the caller closes. */
void sample_write(struct recorder *w);

/* Asserts that the first `events` events and `steps` steps of the sample are there as written. */
void sample_check(const struct recording *r, uint32_t events, uint32_t steps);

/* The sample as bytes of a file; the caller frees. */
uint8_t *sample_bytes(size_t *size);

/* A file in memory with these bytes. */
int memory_file(const void *bytes, size_t size);

#endif
