/* proc-stdio, waiting: P waits for an answer to a question that it has not sent.
 *
 * usage: waiting [lines=N]
 *
 * P    asks N lines, then reads the first answer.
 * C    (P.1) reads lines and answers each.
 *
 * fprintf() returned, and nothing was sent: a few lines do not fill the buffer, and nobody calls
 * fflush(). P sleeps until C says something, C until P does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static _Noreturn void answer(int in, int out)
{
    char bytes[4096];
    ssize_t n;

    while ((n = read(in, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++)
            if (bytes[i] == '\n' && write(out, "yes\n", strlen("yes\n")) == -1)
                fail("write");
    _exit(n == 0 ? 0 : 1);
}

static void ask(FILE *to, FILE *from, int lines)
{
    char line[64];

    for (int i = 1; i <= lines; i++)
        if (fprintf(to, "is it %d?\n", i) < 0) /* into the buffer */
            fail("fprintf");
    /* here fflush(to) is missing */
    if (fgets(line, sizeof line, from) == NULL) /* read(2): sleeps until there is an answer */
        fail("fgets");
    printf("the answer is %s", line);
}

int main(int argc, char *argv[])
{
    int lines = 3, question[2], reply[2];
    FILE *to, *from;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "lines=%d", &lines) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (pipe(question) == -1 || pipe(reply) == -1)
        fail("pipe");
    switch (fork()) {
    case -1:
        fail("fork");
    case 0: /* C */
        if (close(question[1]) == -1 || close(reply[0]) == -1)
            fail("close");
        answer(question[0], reply[1]);
    default: /* P */
        break;
    }
    if (close(question[0]) == -1 || close(reply[1]) == -1)
        fail("close");
    if ((to = fdopen(question[1], "w")) == NULL || (from = fdopen(reply[0], "r")) == NULL)
        fail("fdopen");
    ask(to, from, lines);
    if (fclose(to) == EOF || fclose(from) == EOF)
        fail("fclose");
    if (wait(NULL) == -1)
        fail("wait");
    return 0;
}
