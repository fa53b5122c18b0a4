/* A fuzz target: one function in libFuzzer's form, and the input that mutation starts from. With
 * clang and -fsanitize=fuzzer it is used as it is; fuzz_main.c drives it with any compiler, the
 * same inputs for the same seed. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A good input; the caller frees. */
uint8_t *fuzz_seed_input(size_t *size);

#endif
