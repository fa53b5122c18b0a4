/* twin: lost-update
 *
 * The four steps are done under a lock on the file. It is an fcntl() lock, which belongs to the
 * process; one of flock() would belong to the open file, which the two share. */
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

static void lock(short type)
{
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};

    if (fcntl(fd, F_SETLKW, &whole) == -1)
        die("fcntl");
}

/* Returns 1 when the steps were possible. */
static int add_one(void)
{
    int number;

    lock(F_WRLCK);
    lseek(fd, 0, SEEK_SET);
    if (read(fd, &number, sizeof number) != sizeof number)
        return 0; /* the other has moved the offset to the end */
    number++;
    lseek(fd, 0, SEEK_SET);
    if (write(fd, &number, sizeof number) != sizeof number)
        die("write");
    lock(F_UNLCK);
    return 1;
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
