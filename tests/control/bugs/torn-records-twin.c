/* twin: torn-records
 *
 * A record is PIPE_BUF bytes at most, which pipe(7) writes in one piece. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD PIPE_BUF

static char record[RECORD];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void send_record(int fd, char letter)
{
    memset(record, letter, RECORD);
    if (write(fd, record, RECORD) != RECORD)
        die("write");
}

/* Reads one record; 1 when it is of one letter. */
static int is_whole(int fd)
{
    ssize_t n;

    for (size_t done = 0; done < RECORD; done += (size_t)n)
        if ((n = read(fd, record + done, RECORD - done)) <= 0)
            die("read");
    return memcmp(record, record + 1, RECORD - 1) == 0;
}

/* Lets a writer that is there already come to its end. */
static void drain(const int ends[2])
{
    close(ends[1]);
    while (read(ends[0], record, RECORD) > 0) {
    }
    wait(NULL);
}

int main(void)
{
    int ends[2], status, result = 0;

    if (pipe(ends) == -1)
        die("pipe");
    for (int i = 0; i < 2; i++)
        switch (fork()) {
        case -1:
            perror("fork");
            drain(ends);
            return 2;
        case 0:
            close(ends[0]);
            send_record(ends[1], i == 0 ? 'a' : 'b');
            _exit(0);
        }
    close(ends[1]);
    for (int i = 0; i < 2; i++)
        if (!is_whole(ends[0]))
            result = 1;
    while (wait(&status) > 0)
        if (status != 0)
            result = 2;
    if (result == 1)
        fprintf(stderr, "a record is torn\n");
    return result;
}
