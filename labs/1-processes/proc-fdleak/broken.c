/* proc-fdleak, broken: a server starts a helper, which gets the server's socket. In its twin
 * healthy.c it gets nothing but 0, 1 and 2.
 *
 * usage: broken [helpers=N]
 *
 * P      starts the server, three times, one after the other. Before the third time it lets the
 *        helpers end.
 * P.1    the first server: takes port 8080, starts N helpers, and ends, as in a crash.
 * P.1.i  a helper: another program, which lives until its standard input ends.
 * P.2    the second server, while the helpers live: does not get the port.
 * P.3    the third, when they are gone.
 *
 * A port belongs to a socket, and a socket lives as long as any process has a descriptor of it. */
#define _GNU_SOURCE /* pipe2() */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT = 8080, HELPERS_MAX = 20 };

static int life[2]; /* the helpers' standard input */

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Comes back when the helper's program is running, and no descriptor between fork and exec is left.
 */
static void start_helper(char *self)
{
    int started[2];
    char byte;

    if (pipe2(started, O_CLOEXEC) == -1) /* its end of file: the exec has closed the write end */
        fail("pipe2");
    switch (fork()) { /* the helper gets copies of all descriptors ... */
    case -1:
        fail("fork");
    case 0: /* P.1.i */
        if (dup2(life[0], STDIN_FILENO) == -1)
            fail("dup2");
        execl(self, self, "helper", (char *)NULL); /* ... and keeps those without O_CLOEXEC */
        fail(self);
    default: /* P.1 */
        break;
    }
    if (close(started[1]) == -1 || read(started[0], &byte, 1) == -1 || close(started[0]) == -1)
        fail("start_helper");
}

static _Noreturn void serve(char *self, int helpers)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0); /* healthy.c: and SOCK_CLOEXEC */

    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
        fail("socket");
    if (bind(fd, (struct sockaddr *)&here, sizeof here) == -1)
        fail("bind");
    if (listen(fd, 1) == -1)
        fail("listen");
    for (int i = 0; i < helpers; i++)
        start_helper(self);
    _exit(0); /* "Segmentation fault". The kernel closes its descriptors */
}

static void run_server(char *self, int helpers)
{
    int status;
    pid_t pid = fork();

    if (pid == -1)
        fail("fork");
    if (pid == 0)
        serve(self, helpers);
    if (waitpid(pid, &status, 0) == -1)
        fail("waitpid");
    printf("server %s\n", status == 0 ? "had the port" : "did not get the port");
}

/* The helpers' parent is dead: they are P's children now. */
static void end_helpers(int helpers)
{
    if (close(life[1]) == -1) /* end of file for all of them */
        fail("close");
    for (int i = 0; i < helpers; i++)
        if (wait(NULL) == -1)
            fail("wait");
}

int main(int argc, char *argv[])
{
    int helpers = 1;
    char byte;

    if (argc > 1 && strcmp(argv[1], "helper") == 0)
        return (int)read(STDIN_FILENO, &byte, 1); /* 0: end of file */
    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "helpers=%d", &helpers) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    if (helpers > HELPERS_MAX)
        helpers = HELPERS_MAX;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) /* orphans of our descendants come to us */
        fail("prctl");
    if (pipe2(life, O_CLOEXEC) == -1)
        fail("pipe2");
    setvbuf(stdout, NULL, _IONBF, 0); /* nothing in a buffer when P forks */
    run_server(argv[0], helpers);
    if (close(life[0]) == -1)
        fail("close");
    run_server(argv[0], 0);
    end_helpers(helpers);
    run_server(argv[0], 0);
    return 0;
}
