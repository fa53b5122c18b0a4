/* Both ends of a FIFO are opened by different processes: each open waits for the other. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    const char *path = "ipclab-test.fifo";
    unlink(path);
    if (mkfifo(path, 0600) < 0)
        return 1;
    if (fork() == 0) {
        int fd = open(path, O_WRONLY);
        _exit(write(fd, "hello", 5) == 5 ? 0 : 1);
    }
    int fd = open(path, O_RDONLY);
    char text[8];
    ssize_t n, total = 0;
    while ((n = read(fd, text, 2)) > 0)
        total += n;
    int status;
    wait(&status);
    unlink(path);
    return total == 5 && status == 0 ? 0 : 1;
}
