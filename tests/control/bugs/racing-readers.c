/* bug: racing-readers
 * shows as: exit 1
 * needs: a reader has half a record when the other one reads
 * depth: 2
 * budget: 40 schedules
 *
 * Two workers read records of fixed size from one pipe; the writer sends each in two parts. A
 * worker that gets a part reads on for the rest, which is right as long as it is alone; but the
 * other may take the rest, and both have a record of two halves. Twin: racing-readers-twin.c. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 2

struct record {
    int head, body;
};

static int records[2];

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

static void receive(struct record *record)
{
    char *bytes = (char *)record;
    ssize_t n;

    for (size_t done = 0; done < sizeof *record; done += (size_t)n)
        if ((n = read(records[0], bytes + done, sizeof *record - done)) <= 0)
            die("read");
}

static void work(void)
{
    struct record record;

    close(records[1]);
    receive(&record);
    _exit(record.head == record.body ? 0 : 1);
}

static void send_record(int number)
{
    struct record record = {number, number};

    if (write(records[1], &record.head, sizeof record.head) != sizeof record.head ||
        write(records[1], &record.body, sizeof record.body) != sizeof record.body)
        die("write");
}

int main(void)
{
    int status, result = 0;

    if (pipe(records) == -1)
        die("pipe");
    for (int i = 0; i < WORKERS; i++) {
        pid_t pid = fork();
        if (pid == 0)
            work();
        if (pid == -1) {
            perror("fork");
            close(records[1]); /* who waits for a record ends */
            wait(NULL);
            return 2;
        }
    }
    for (int i = 0; i < WORKERS; i++)
        send_record(i + 1);
    while (wait(&status) > 0)
        if (status != 0 && result != 2)
            result = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
    if (result == 1)
        fprintf(stderr, "a record of two halves\n");
    return result;
}
