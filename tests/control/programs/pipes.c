/* Two writers, one reader, one pipe. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int ends[2];
    if (pipe(ends) < 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        if (fork() == 0) {
            close(ends[0]);
            for (int k = 0; k < 4; k++)
                if (write(ends[1], i ? "bbbb" : "aaaa", 4) != 4)
                    _exit(1);
            _exit(0);
        }
    }
    close(ends[1]);
    char record[4];
    while (read(ends[0], record, sizeof record) == 4) {
    }
    while (wait(NULL) > 0) {
    }
    return 0;
}
