/* Two writers of four records each and one reader on one pipe. The records are as long as the
 * reads, so only the order of the writes can be seen: 8 over 4 = 70 orders that differ. */
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int ends[2], status, bad = 0;
    pid_t children[2];
    char record[4];
    if (pipe(ends) < 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            close(ends[0]);
            for (int k = 0; k < 4; k++)
                if (write(ends[1], i ? "bbbb" : "aaaa", 4) != 4)
                    _exit(1);
            _exit(0);
        }
    }
    for (int k = 0; k < 8; k++)
        if (read(ends[0], record, sizeof record) != 4)
            return 1;
    for (int i = 0; i < 2; i++)
        if (waitpid(children[i], &status, 0) == children[i])
            bad |= status;
    return bad ? 1 : 0;
}
