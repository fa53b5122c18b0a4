/* What the programs of these tests share. Each program is named by its mode (argv[1]); the guilty
 * modes have one mistake each, the innocent ones look like them. Nothing sleeps to be lucky: who
 * must come first is settled by pipes. */
#ifndef IPCLAB_TESTS_DIAGNOSE_PARTS_H
#define IPCLAB_TESTS_DIAGNOSE_PARTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* A row in a program's table of modes. */
struct mode {
    const char *name;
    void (*run)(void);
};

static inline void check(int is_fine, const char *what)
{
    if (is_fine)
        return;
    perror(what);
    exit(99);
}

static inline void make_pipe(int p[2])
{
    check(pipe(p) == 0, "pipe");
}

static inline pid_t make_child(void)
{
    pid_t pid = fork();
    check(pid >= 0, "fork");
    return pid;
}

static inline void reap(pid_t pid)
{
    check(waitpid(pid, NULL, 0) == pid, "waitpid");
}

/* Waits until the child has ended, and leaves it a zombie. */
static inline void see_end_of(pid_t pid)
{
    siginfo_t info;
    check(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0, "waitid");
}

static inline void read_to_end(int fd)
{
    char bytes[512];
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
}

static inline void say(int fd, const char *text)
{
    check(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "write");
}

/* Blocks until somebody has said something on fd. */
static inline void hear(int fd)
{
    char byte;
    check(read(fd, &byte, 1) == 1, "read");
}

static inline int run_mode(const struct mode *modes, int argc, char **argv)
{
    for (; argc == 2 && modes->name; modes++) {
        if (strcmp(modes->name, argv[1]) == 0) {
            modes->run();
            return 0;
        }
    }
    fprintf(stderr, "%s: no such mode\n", argv[0]);
    return 98;
}

#endif
