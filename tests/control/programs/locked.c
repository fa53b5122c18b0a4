/* Three processes, each with work of its own, then a lock, a counter behind it, and the lock given
 * back: only the order in which they take the lock can be seen, 3! = 6. The lock is a pipe with one
 * byte in it. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static int lock[2], counter;

static void work(int me)
{
    char name[] = "own-0", token;
    int number = 0;
    name[4] = (char)('0' + me);
    int own = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 3; i++)
        if (write(own, "x", 1) != 1)
            _exit(1);
    if (read(lock[0], &token, 1) != 1 || pread(counter, &number, sizeof number, 0) < 0)
        _exit(1);
    number++;
    if (pwrite(counter, &number, sizeof number, 0) != sizeof number ||
        write(lock[1], &token, 1) != 1)
        _exit(1);
    close(own);
    _exit(0);
}

int main(void)
{
    pid_t children[3];
    int status, number = 0, bad = 0;
    counter = open("counter", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (pipe(lock) < 0 || write(lock[1], "t", 1) != 1)
        return 1;
    for (int i = 0; i < 3; i++)
        if ((children[i] = fork()) == 0)
            work(i);
    for (int i = 0; i < 3; i++)
        if (waitpid(children[i], &status, 0) == children[i])
            bad |= status;
    return bad || pread(counter, &number, sizeof number, 0) != sizeof number || number != 3;
}
