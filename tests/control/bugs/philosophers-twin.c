/* twin: philosophers
 *
 * The last one takes its right fork first: no circle can close. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEATS 3

static int forks[SEATS][2];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void take(int i)
{
    char byte;
    if (read(forks[i][0], &byte, 1) != 1)
        die("read");
}

static void put(int i)
{
    if (write(forks[i][1], "f", 1) != 1)
        die("write");
}

static void dine(int seat)
{
    int left = seat, right = (seat + 1) % SEATS;
    int is_last = seat == SEATS - 1, first = is_last ? right : left,
        second = is_last ? left : right;

    take(first);
    take(second);
    put(second);
    put(first);
    _exit(0);
}

int main(void)
{
    int status, result = 0;

    for (int i = 0; i < SEATS; i++) {
        if (pipe(forks[i]) == -1)
            die("pipe");
        put(i);
    }
    for (int i = 0; i < SEATS; i++) {
        pid_t pid = fork();
        if (pid == 0)
            dine(i);
        if (pid == -1) {
            perror("fork");
            result = 2; /* those who sit at the table dine */
            break;
        }
    }
    while (wait(&status) > 0)
        if (status != 0)
            result = 2;
    return result;
}
