/* A child is stopped, seen to be stopped, continued, and killed. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status, ends[2];
    char byte;
    if (pipe(ends) < 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        if (write(ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    if (read(ends[0], &byte, 1) != 1)
        return 1;
    kill(child, SIGSTOP);
    if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status))
        return 2;
    kill(child, SIGCONT);
    if (waitpid(child, &status, WCONTINUED) != child || !WIFCONTINUED(status))
        return 3;
    kill(child, SIGTERM);
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
        return 4;
    return 0;
}
