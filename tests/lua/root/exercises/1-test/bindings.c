/* Does one of everything, always the same, for scripts/grade/1-test/bindings.lua to ask about. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void on_usr1(int sig)
{
    caught = sig;
}

static _Noreturn void reader(int read_fd, int write_fd)
{
    char bytes[8];

    close(write_fd);
    while (read(read_fd, bytes, sizeof bytes) > 0)
        continue;
    _exit(3);
}

static _Noreturn void sleeper(void)
{
    for (;;)
        pause();
}

int main(int argc, char *argv[])
{
    struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_RESTART};
    struct timespec millisecond = {.tv_nsec = 1000000};
    sigset_t usr2;
    char bytes[16];
    int p[2], status, file_fd;
    pid_t second;

    (void)argv;
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    sigprocmask(SIG_BLOCK, &usr2, NULL);
    if (pipe2(p, O_CLOEXEC) == -1)
        return 1;
    if (fork() == 0)
        reader(p[0], p[1]);
    close(p[0]);
    if (write(p[1], "hello", 5) != 5)
        return 1;
    if ((second = fork()) == 0) {
        close(p[1]);
        sleeper();
    }
    close(p[1]);
    kill(second, SIGTERM);
    waitpid(second, &status, 0);
    wait(&status);
    waitpid(-1, &status, WNOHANG); /* ECHILD */
    kill(getpid(), SIGUSR1);
    nanosleep(&millisecond, NULL);
    poll(&(struct pollfd){.fd = 0, .events = POLLIN}, 1, 250);
    if (read(0, bytes, sizeof bytes) == -1)
        return 1;
    file_fd = open("/tmp/file", O_CREAT | O_RDWR, 0600);
    if (pwrite(file_fd, "abc", 3, 10) != 3)
        return 1;
    fcntl(file_fd, F_SETFD, FD_CLOEXEC);
    dup2(file_fd, 9);
    return caught == SIGUSR1 ? argc : 1;
}
