/* A tree of processes three levels deep; every parent waits for its own. */
#include <sys/wait.h>
#include <unistd.h>

static int grow(int depth)
{
    for (int i = 0; depth > 0 && i < 2; i++)
        if (fork() == 0)
            _exit(grow(depth - 1));
    int sum = 1, status;
    while (wait(&status) > 0)
        sum += WEXITSTATUS(status);
    return sum;
}

int main(void)
{
    return grow(3) == 15 ? 0 : 1;
}
