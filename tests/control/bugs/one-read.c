/* bug: one-read
 * shows as: exit 1
 * needs: fault: short read
 * depth: 0
 * budget: 60 schedules
 *
 * The parent reads a record with one read() and takes it for whole. read() on a pipe may return
 * fewer bytes than were asked for (pipe(7), read(2)), and then the rest of the record is what
 * the buffer held before. Twin: one-read-twin.c. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char text[] = "a record of one line, sixty-four bytes long, and no byte more...";

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

/* Reads size bytes. Returns 0 at end of file. */
static int receive(int fd, char *bytes, size_t size)
{
    ssize_t n = read(fd, bytes, size);

    if (n == -1)
        die("read");
    return n > 0;
}

int main(void)
{
    char record[sizeof text] = "";
    int ends[2], status, is_there;
    pid_t child;

    if (pipe(ends) == -1)
        die("pipe");
    switch (child = fork()) {
    case -1: die("fork"); break;
    case 0:
        close(ends[0]);
        if (write(ends[1], text, sizeof text) != sizeof text)
            die("write");
        _exit(0);
    }
    close(ends[1]);
    is_there = receive(ends[0], record, sizeof record);
    if (waitpid(child, &status, 0) == -1)
        die("waitpid");
    if (!is_there || status != 0)
        return 2;
    if (memcmp(record, text, sizeof text) == 0)
        return 0;
    fprintf(stderr, "the record is not whole: %s\n", record);
    return 1;
}
