/* twin: both-reading
 *
 * The server reads exactly one request at a time, in as many pieces as it comes. */
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

/* Returns 0 at end of file. */
static int receive(int in, char *request)
{
    ssize_t n;

    for (size_t done = 0; done < REQUEST; done += (size_t)n)
        if ((n = read(in, request + done, REQUEST - done)) <= 0)
            return 0;
    return 1;
}

static void serve(int in, int out)
{
    char request[REQUEST];

    while (receive(in, request))
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
