/* A child leaves two grandchildren behind; they end later, and a pipe tells when. */
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int ends[2];
    if (pipe(ends) < 0)
        return 1;
    if (fork() == 0) {
        for (int i = 0; i < 2; i++)
            if (fork() == 0)
                _exit(write(ends[1], "g", 1) == 1 ? 0 : 1);
        _exit(0);
    }
    close(ends[1]);
    char byte;
    int count = 0;
    while (read(ends[0], &byte, 1) == 1)
        count++;
    return wait(NULL) > 0 && wait(NULL) < 0 && count == 2 ? 0 : 1;
}
