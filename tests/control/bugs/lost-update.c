/* bug: lost-update
 * shows as: exit 1
 * needs: one process moves the file offset, reads or writes between two steps of the other
 * depth: 2
 * budget: 20 schedules
 *
 * Two processes add one to a number in a file: to the beginning, read, to the beginning, write.
 * They may read the same old value, so that one addition is lost; and they share one offset, for
 * the file was opened before fork(). Twin: lost-update-twin.c. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int fd;

static void die(const char *what)
{
    perror(what);
    close(fd);
    wait(NULL);
    _exit(2);
}

/* Returns 1 when the steps were possible. */
static int add_one(void)
{
    int number;

    lseek(fd, 0, SEEK_SET);
    if (read(fd, &number, sizeof number) != sizeof number)
        return 0; /* the other has moved the offset to the end */
    number++;
    lseek(fd, 0, SEEK_SET);
    return write(fd, &number, sizeof number) == sizeof number;
}

int main(void)
{
    int status, number = 0, is_good;
    pid_t child;

    fd = open("number", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd == -1 || write(fd, &number, sizeof number) != sizeof number)
        die("number");
    switch (child = fork()) {
    case -1: die("fork"); break;
    case 0: _exit(add_one() ? 0 : 1);
    }
    is_good = add_one();
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 2)
        return 2;
    if (pread(fd, &number, sizeof number, 0) != sizeof number)
        die("pread");
    if (is_good && number == 2)
        return status == 0 ? 0 : 1;
    fprintf(stderr, "the number is %d, not 2\n", number);
    return 1;
}
