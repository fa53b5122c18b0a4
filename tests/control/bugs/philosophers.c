/* bug: philosophers
 * shows as: deadlock
 * needs: each takes its left fork before any takes its right one
 * depth: 3
 * budget: 60 schedules
 *
 * Three philosophers, three forks; a fork is a pipe that holds one byte. Each takes the fork to
 * its left, then the one to its right: when all hold their left ones, all wait. Twin:
 * philosophers-twin.c. */
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

    take(left);
    take(right);
    put(right);
    put(left);
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
