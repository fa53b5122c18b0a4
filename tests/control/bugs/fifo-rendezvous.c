/* bug: fifo-rendezvous
 * shows as: deadlock or signal SIGPIPE or exit 1
 * needs: the first client has closed, and the server has read to the end, before the second opens
 * depth: 2
 * budget: 80 schedules
 *
 * A server takes requests from a FIFO until end of file. When the first client has come and gone
 * before the second opens, that is end of file already: the server leaves, and the open() of the
 * second client waits for a reader for ever. (If it opens just before the server closes, its
 * write is a SIGPIPE, and the parent says 1.) Twin: fifo-rendezvous-twin.c. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST 4

static pid_t children[3];

static void server(void)
{
    char request[REQUEST];
    int fd = open("requests", O_RDONLY);
    ssize_t n;

    if (fd == -1)
        _exit(2);
    while ((n = read(fd, request, REQUEST)) > 0) {
    }
    _exit(n == 0 ? 0 : 2);
}

static void client(void)
{
    int fd = open("requests", O_WRONLY);

    _exit(fd != -1 && write(fd, "help", REQUEST) == REQUEST ? 0 : 2);
}

static void end_all(void)
{
    for (int i = 0; i < 3; i++)
        if (children[i] > 0)
            kill(children[i], SIGKILL);
    while (wait(NULL) > 0) {
    }
}

int main(void)
{
    void (*const roles[])(void) = {server, client, client};
    int status;
    pid_t pid;

    unlink("requests");
    if (mkfifo("requests", 0600) == -1) {
        perror("mkfifo");
        return 2;
    }
    for (int i = 0; i < 3; i++) {
        if ((children[i] = fork()) == 0)
            roles[i]();
        if (children[i] == -1) {
            perror("fork");
            end_all();
            return 2;
        }
    }
    while ((pid = wait(&status)) > 0) {
        for (int i = 0; i < 3; i++)
            if (children[i] == pid)
                children[i] = 0;
        if (status != 0) {
            fprintf(stderr, "a process has failed\n");
            end_all();
            return WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE ? 1 : 2;
        }
    }
    return 0;
}
