/* A check that says where, and in which case, and ends the test. */
#ifndef IPCLAB_TESTS_STORE_CHECK_H
#define IPCLAB_TESTS_STORE_CHECK_H

#include <stdio.h>
#include <unistd.h>

/* What is being tried; the line about a failure begins with it. */
extern char check_case[200];

_Noreturn static inline void check_fail(const char *file, int line, const char *what)
{
    printf("%s:%d: %s: %s\n", file, line, check_case, what);
    fflush(stdout);
    _exit(1);
}

#define CHECK(claim) ((claim) ? (void)0 : check_fail(__FILE__, __LINE__, #claim))

#endif
