/* bug: both-reading
 * shows as: deadlock or exit 1
 * needs: both requests are in the pipe when the server reads; or fault: short read
 * depth: 1
 * budget: 20 schedules
 *
 * The client sends two requests and waits for two answers. The server takes what one read()
 * returns for one request. A pipe keeps no boundaries: when both requests are there, one read
 * takes both, one answer comes back, and client and server read from each other for ever. (A
 * short read makes it one answer too many.) Twin: both-reading-twin.c. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST 8

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void serve(int in, int out)
{
    char request[64];

    while (read(in, request, sizeof request) > 0)
        if (write(out, "k", 1) != 1)
            die("write");
}

static int ask(int out, int in)
{
    char answer;

    if (write(out, "first..", REQUEST) != REQUEST || write(out, "second.", REQUEST) != REQUEST)
        die("write");
    for (int i = 0; i < 2; i++)
        if (read(in, &answer, 1) != 1)
            die("read");
    close(out);
    return read(in, &answer, 1) == 0; /* no third answer */
}

int main(void)
{
    int requests[2], answers[2], status;
    pid_t client;

    if (pipe(requests) == -1 || pipe(answers) == -1)
        die("pipe");
    switch (client = fork()) {
    case -1: die("fork"); break;
    case 0:
        close(requests[0]);
        close(answers[1]);
        _exit(ask(requests[1], answers[0]) ? 0 : 1);
    }
    close(requests[1]);
    close(answers[0]);
    serve(requests[0], answers[1]);
    close(answers[1]);
    if (waitpid(client, &status, 0) == -1)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
