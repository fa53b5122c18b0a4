/* Compiling somebody's C file in the sandbox.
 *
 * The compiler sees the system's headers and libraries, the named sources and nothing else; it has
 * limits of time, memory and output. Programs are kept in a cache folder under a name made from
 * their contents, so that what was compiled once is not compiled again. gcc(1). */
#ifndef IPCLAB_GRADE_COMPILE_H
#define IPCLAB_GRADE_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct compile_options {
    const char *const *sources; /* C files, NULL-terminated */
    const char *cache;          /* folder for programs; NULL: ~/.cache/ipclab/bin */
};

struct compile_result {
    bool is_ok;
    bool is_cached;
    char *program; /* path of the executable; "" when it does not compile */
    char *text;    /* errors and warnings, made printable; "" when there are none */
    uint64_t elapsed_ns;
};

/* 0 when the compiler had its say (see is_ok), -errno when it could not be run. */
int compile_program(struct compile_result *out, const struct compile_options *options,
                    struct err *e);
void compile_result_fini(struct compile_result *r);

#endif
