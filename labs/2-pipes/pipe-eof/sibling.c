/* pipe-eof, sibling: the write end that keeps a reader waiting is held by its brother.
 *
 * usage: sibling [bytes=N]
 *
 * P      makes pipe 1 and forks C1, makes pipe 2 and forks C2. Then it writes N bytes to C1, closes
 *        its write end and waits for C1 before it turns to C2.
 * C1     (P.1) reads pipe 1 to the end. It has closed its own copy of the write end.
 * C2     (P.2) reads pipe 2 to the end. It has closed its copy of that pipe's write end, too.
 *
 * But C2 was forked after pipe 1 was made, and inherited P's write end of pipe 1 as well. Nobody
 * told it to close that one. C1 waits for C2 to close it, C2 waits for P, and P waits for C1. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static _Noreturn void drain(int in)
{
    char bytes[4096];
    ssize_t n;

    while ((n = read(in, bytes, sizeof bytes)) > 0)
        ;
    if (n == -1)
        fail("read");
    _exit(0);
}

/* Returns the child; *feed is the write end of its pipe. */
static pid_t start(int *feed)
{
    int p[2];
    pid_t child;

    if (pipe(p) == -1)
        fail("pipe");
    switch (child = fork()) { /* a copy of everything that P holds, older pipes included */
    case -1:
        fail("fork");
    case 0:                    /* C1, C2 */
        if (close(p[1]) == -1) /* its own pipe: done right */
            fail("close");
        drain(p[0]);
    default: /* P */
        break;
    }
    if (close(p[0]) == -1)
        fail("close");
    *feed = p[1];
    return child;
}

int main(int argc, char *argv[])
{
    static const char message[8192];
    unsigned size = 30;
    pid_t child[2];
    int feed[2];

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "bytes=%u", &size) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (size > sizeof message)
        size = sizeof message;
    for (int i = 0; i < 2; i++)
        child[i] = start(&feed[i]);
    for (int i = 0; i < 2; i++) {
        if (write(feed[i], message, size) == -1)
            fail("write");
        if (close(feed[i]) == -1) /* P's write end; C2 still has one of pipe 1 */
            fail("close");
        if (waitpid(child[i], NULL, 0) == -1)
            fail("waitpid");
    }
    return 0;
}
