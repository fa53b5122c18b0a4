/* bug: pipe-barrier
 * shows as: deadlock
 * needs: one worker reads its second go before the other reads its first
 * depth: 2
 * budget: 30 schedules
 *
 * Two workers, two rounds: nobody begins a round before both have finished the one before. Each
 * says that it has arrived; when both have, the parent writes two bytes of go into one pipe. A
 * fast worker comes round again and takes the slow one's: it has passed the barrier alone, the
 * slow one waits for go, and the parent for the slow one. Twin: pipe-barrier-twin.c. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 2
#define ROUNDS 2

static int arrived[2], go[2];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void work(void)
{
    char byte;

    close(go[1]);
    for (int round = 0; round < ROUNDS; round++) {
        if (write(arrived[1], "a", 1) != 1)
            die("write");
        if (read(go[0], &byte, 1) != 1)
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
        if (write(go[1], "g", 1) != 1)
            die("write");
}

int main(void)
{
    int status, result = 0;

    if (pipe(arrived) == -1 || pipe(go) == -1)
        die("pipe");
    for (int i = 0; i < WORKERS; i++) {
        pid_t pid = fork();
        if (pid == 0)
            work();
        if (pid == -1) {
            perror("fork");
            close(go[1]); /* who waits for go ends */
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
