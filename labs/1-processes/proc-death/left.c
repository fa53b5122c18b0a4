/* proc-death, left: what is left of a process that was killed?
 *
 * usage: left [work=N]
 *
 * P    starts C, waits until it is dead, and looks for what it had.
 * C    (P.1) writes a file with its number, locks it, binds a socket to a name, makes a FIFO and a
 *      piece of shared memory, has a pipe open, and is killed before it can tidy up.
 *
 * What belongs to a process goes with it: memory, descriptors, record locks (fcntl(2)). What has a
 * name stays until somebody removes the name. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
static struct sockaddr_un here = {.sun_family = AF_UNIX, .sun_path = "/tmp/left.socket"};

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static _Noreturn void be_killed(int hold)
{
    int fd = open("/tmp/left.pid", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int named = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd == -1 || dprintf(fd, "%d\n", getpid()) < 0 || fcntl(fd, F_SETLK, &whole) == -1)
        fail("left.pid");
    if (named == -1 || bind(named, (struct sockaddr *)&here, sizeof here) == -1)
        fail("bind");
    if (mkfifo("/tmp/left.fifo", 0600) == -1 || shm_open("/left", O_RDWR | O_CREAT, 0600) == -1)
        fail("left");
    if (write(hold, "", 1) == -1) /* "it is all there" */
        fail("write");
    kill(getpid(), SIGKILL);
    _exit(1);
}

static const char *found(int result)
{
    return result == -1 ? "is gone" : "is still there";
}

/* Each line a question to the kernel. */
static void look_for(int pipe_end)
{
    int fd = open("/tmp/left.pid", O_RDWR);
    int named = socket(AF_UNIX, SOCK_STREAM, 0), is_bound;
    char bytes[16];

    is_bound = bind(named, (struct sockaddr *)&here, sizeof here) == -1 ? 0 : -1;
    printf("the pipe's write end %s\n", found(read(pipe_end, bytes, 1) == 0 ? -1 : 0));
    printf("its record lock %s\n", found(fcntl(fd, F_SETLK, &whole) == 0 ? -1 : 0));
    printf("the file %s\n", found(fd));
    printf("the name of its socket %s\n", found(is_bound));
    printf("the FIFO %s\n", found(open("/tmp/left.fifo", O_RDONLY | O_NONBLOCK)));
    printf("the shared memory %s\n", found(shm_open("/left", O_RDWR, 0)));
}

int main(int argc, char *argv[])
{
    int p[2], work;
    char byte;
    pid_t pid;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "work=%d", &work) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (pipe(p) == -1)
        fail("pipe");
    switch (pid = fork()) {
    case -1:
        fail("fork");
    case 0: /* C */
        if (close(p[0]) == -1)
            fail("close");
        be_killed(p[1]);
    default: /* P */
        break;
    }
    if (close(p[1]) == -1 || read(p[0], &byte, 1) != 1)
        fail("C did not get ready");
    if (waitpid(pid, NULL, 0) == -1)
        fail("waitpid");
    look_for(p[0]);
    if (unlink("/tmp/left.pid") == -1 || unlink("/tmp/left.socket") == -1 ||
        unlink("/tmp/left.fifo") == -1 || shm_unlink("/left") == -1)
        fail("unlink"); /* somebody has to */
    return 0;
}
