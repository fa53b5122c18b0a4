/* For the attack programs: what came of a try, in one line. */
#ifndef IPCLAB_TESTS_ATTACK_ATTACK_H
#define IPCLAB_TESTS_ATTACK_ATTACK_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The tests look for these on the host: tests/sandbox/harness.h. */
#define ATTACK_NAME "ipclab-attack"
#define ATTACK_KEY 0x1bc1ab00

/* "unshare EPERM", or "unshare ok". */
#define SAY(what, result)                                                     \
    do {                                                                      \
        long result_ = (long)(result);                                        \
        printf("%s %s\n", what, result_ < 0 ? strerrorname_np(errno) : "ok"); \
        fflush(stdout);                                                       \
    } while (0)

#endif
