/* twin: pipe-barrier
 *
 * Each worker has its own pipe of go: nobody can take another's. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 2
#define ROUNDS 2

static int arrived[2], go[WORKERS][2];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void work(int me)
{
    char byte;

    for (int i = 0; i < WORKERS; i++)
        close(go[i][1]);
    for (int round = 0; round < ROUNDS; round++) {
        if (write(arrived[1], "a", 1) != 1)
            die("write");
        if (read(go[me][0], &byte, 1) != 1)
            die("read");
    }
    _exit(0);
}

static void lead_round(void)
{
    char byte;

    for (int i = 0; i < WORKERS; i++)
        if (read(arrived[0], &byte, 1) != 1)
            die("read");
    for (int i = 0; i < WORKERS; i++)
        if (write(go[i][1], "g", 1) != 1)
            die("write");
}

int main(void)
{
    int status, result = 0;

    if (pipe(arrived) == -1 || pipe(go[0]) == -1 || pipe(go[1]) == -1)
        die("pipe");
    for (int i = 0; i < WORKERS; i++) {
        pid_t pid = fork();
        if (pid == 0)
            work(i);
        if (pid == -1) {
            perror("fork");
            close(go[0][1]); /* who waits for go ends */
            wait(NULL);
            return 2;
        }
    }
    for (int round = 0; round < ROUNDS; round++)
        lead_round();
    while (wait(&status) > 0)
        if (status != 0)
            result = 2;
    return result;
}
