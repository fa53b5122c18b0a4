/* Children end in any order; the parent polls with WNOHANG, then waits for each by number. */
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    pid_t children[3];
    int sum = 0, status;
    for (int i = 0; i < 3; i++)
        if ((children[i] = fork()) == 0)
            _exit(i + 1);
    pid_t early = waitpid(-1, &status, WNOHANG);
    if (early > 0)
        sum += WEXITSTATUS(status);
    for (int i = 2; i >= 0; i--)
        if (children[i] != early && waitpid(children[i], &status, 0) == children[i])
            sum += WEXITSTATUS(status);
    siginfo_t info;
    return sum == 6 && waitid(P_ALL, 0, &info, WEXITED) < 0 ? 0 : 1;
}
