/* blocker HOW: a child blocks in one call, and its parent does what wakes it. Each says where it is
 * by sched_yield(2): the call after it is the one that blocks, or the one that wakes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2], fd = -1, other_fd = -1, id = -1, *word;
static pid_t child;
static char block[65536];
static const char *const path = "ipclab-blocker";

static void on_signal(int sig)
{
    (void)sig;
}

static void nothing(void)
{
}

/* ---- what is made before the fork ---- */

static void make_pipe(void)
{
    if (pipe(ends) < 0)
        exit(3);
}

static void make_full_pipe(void)
{
    make_pipe();
    if (write(ends[1], block, sizeof block) != sizeof block)
        exit(3);
    signal(SIGPIPE, SIG_IGN);
}

static void make_fifo(void)
{
    unlink(path);
    if (mkfifo(path, 0600) < 0)
        exit(3);
}

static void make_handler(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
}

static void make_blocked(void)
{
    sigset_t set;
    make_handler();
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void make_signalfd(void)
{
    sigset_t set;
    make_blocked();
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    fd = signalfd(-1, &set, 0);
}

static void make_eventfd(void)
{
    fd = eventfd(0, 0);
}

static void make_semaphore(void)
{
    id = semget(IPC_PRIVATE, 1, 0600);
}

static void make_queue(void)
{
    id = msgget(IPC_PRIVATE, 0600);
}

struct message {
    long type;
    char text[1024];
};

static void make_full_queue(void)
{
    struct message m = {.type = 1};
    make_queue();
    while (msgsnd(id, &m, sizeof m.text, IPC_NOWAIT) == 0) {
    }
}

static void make_locked(void)
{
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
}

static void make_word(void)
{
    word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void make_sockets(void)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        exit(3);
}

static void make_packets(void)
{
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0)
        exit(3);
}

static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "ipclab-blocker"};

static void make_listener(void)
{
    unlink(path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
        exit(3);
}

static void make_mq(void)
{
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
    mq_unlink("/ipclab-blocker");
    fd = mq_open("/ipclab-blocker", O_RDWR | O_CREAT, 0600, &attr);
    if (fd < 0)
        exit(3);
}

static void make_inotify(void)
{
    fd = inotify_init();
    if (inotify_add_watch(fd, ".", IN_CREATE) < 0)
        exit(3);
    unlink("ipclab-seen");
}

/* ---- what the child does before it blocks ---- */

static void close_writer(void)
{
    close(ends[1]);
}

static void close_reader(void)
{
    close(ends[0]);
}

static void open_again(void)
{
    fd = open(path, O_RDWR);
}

static void make_target(void)
{
    int out[2];
    if (pipe(out) < 0)
        exit(3);
    fd = out[1];
}

static void make_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    other_fd = epoll_create1(0);
    epoll_ctl(other_fd, EPOLL_CTL_ADD, ends[0], &event);
}

/* It ends when the parent closes the pipe. */
static void make_grandchild(void)
{
    char byte;
    close(ends[1]);
    child = fork();
    if (child == 0)
        _exit(read(ends[0], &byte, 1) > 0);
}

/* ---- the call that blocks ---- */

static void b_read(void)
{
    if (read(ends[0], block, 1) < 0)
        exit(4);
}

static void b_write(void)
{
    if (write(ends[1], block, 4096) < 0 && errno != EPIPE)
        exit(4);
}

static void b_read_fd(void)
{
    if (read(fd, block, 512) <= 0)
        exit(4);
}

static void b_open(void)
{
    fd = open(path, O_RDONLY);
}

static void b_open_write(void)
{
    fd = open(path, O_WRONLY);
}

static void b_pause(void)
{
    pause();
}

static void b_sigsuspend(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
}

static void b_sigwait(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (sigwaitinfo(&set, NULL) != SIGUSR1)
        exit(4);
}

static void b_poll(void)
{
    struct pollfd p = {.fd = ends[0], .events = POLLIN};
    if (poll(&p, 1, -1) != 1)
        exit(4);
}

static void b_ppoll(void)
{
    struct pollfd p = {.fd = ends[0], .events = POLLIN};
    struct timespec limit = {.tv_sec = 1000};
    if (ppoll(&p, 1, &limit, NULL) != 1)
        exit(4);
}

static void b_select(void)
{
    fd_set set;
    struct timeval limit = {.tv_sec = 1000};
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    if (select(ends[0] + 1, &set, NULL, NULL, &limit) != 1)
        exit(4);
}

static void b_epoll(void)
{
    struct epoll_event event;
    if (epoll_wait(other_fd, &event, 1, 1000000) != 1)
        exit(4);
}

static void b_semop(void)
{
    struct sembuf op = {.sem_op = -1};
    if (semop(id, &op, 1) < 0)
        exit(4);
}

static void b_msgrcv(void)
{
    struct message m;
    if (msgrcv(id, &m, sizeof m.text, 0, 0) < 0)
        exit(4);
}

static void b_msgsnd(void)
{
    struct message m = {.type = 1};
    if (msgsnd(id, &m, sizeof m.text, 0) < 0)
        exit(4);
}

static void b_flock(void)
{
    if (flock(fd, LOCK_EX) < 0)
        exit(4);
}

static struct flock whole(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static void b_setlkw(void)
{
    struct flock lock = whole(F_WRLCK);
    if (fcntl(fd, F_SETLKW, &lock) < 0)
        exit(4);
}

static void b_futex(void)
{
    syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL);
}

static void b_accept(void)
{
    if (accept(fd, NULL, NULL) < 0)
        exit(4);
}

static void b_recv(void)
{
    if (recv(ends[0], block, 8, 0) <= 0)
        exit(4);
}

static void b_mq(void)
{
    if (mq_receive(fd, block, 8, NULL) < 0)
        exit(4);
}

static void b_mq_full(void)
{
    if (mq_send(fd, "y", 1, 0) < 0)
        exit(4);
}

static void b_splice(void)
{
    if (splice(ends[0], NULL, fd, NULL, 1, 0) != 1)
        exit(4);
}

/* ---- what the parent does to wake it ---- */

static void w_write(void)
{
    if (write(ends[1], "x", 1) != 1)
        exit(4);
}

static void w_read(void)
{
    if (read(ends[0], block, sizeof block) <= 0)
        exit(4);
}

static void w_write_fd(void)
{
    uint64_t one = 1;
    if (write(fd, &one, sizeof one) != sizeof one)
        exit(4);
}

static void w_kill(void)
{
    kill(child, SIGUSR1);
}

static void w_post(void)
{
    struct sembuf op = {.sem_op = 1};
    semop(id, &op, 1);
}

static void w_msgsnd(void)
{
    struct message m = {.type = 1};
    msgsnd(id, &m, 1, 0);
}

static void w_msgrcv(void)
{
    struct message m;
    msgrcv(id, &m, sizeof m.text, 0, 0);
}

static void w_unlock(void)
{
    flock(fd, LOCK_UN);
}

static void w_unlock_range(void)
{
    struct flock lock = whole(F_UNLCK);
    fcntl(fd, F_SETLKW, &lock);
}

static void w_wake(void)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1);
}

static void w_connect(void)
{
    connect(other_fd, (struct sockaddr *)&address, sizeof address);
}

static void w_send(void)
{
    send(ends[1], "x", 1, 0);
}

static void w_mq(void)
{
    mq_send(fd, "x", 1, 0);
}

static void w_mq_drain(void)
{
    mq_receive(fd, block, 8, NULL);
}

static void w_create(void)
{
    close(open("ipclab-seen", O_CREAT | O_WRONLY, 0600));
}

/* ---- parents' preparations ---- */

static void p_socket(void)
{
    other_fd = socket(AF_UNIX, SOCK_STREAM, 0);
}

static void p_flock(void)
{
    flock(fd, LOCK_EX);
}

static void p_setlk(void)
{
    struct flock lock = whole(F_WRLCK);
    fcntl(fd, F_SETLK, &lock);
}

static void p_fill_mq(void)
{
    mq_send(fd, "x", 1, 0);
}

/* A child that is waited for is woken by the death of its own child. */
static void c_wait(void)
{
    int status;
    if (waitpid(child, &status, 0) != child)
        exit(4);
}

static void c_waitid(void)
{
    siginfo_t info;
    if (waitid(P_PID, (id_t)child, &info, WEXITED) < 0)
        exit(4);
}

static const struct how {
    const char *name;
    void (*make)(void);   /* before the fork */
    void (*parent)(void); /* after it, in the parent */
    void (*child)(void);  /* and in the child */
    void (*block)(void);
    void (*wake)(void);
} hows[] = {
    {"read", make_pipe, close_reader, close_writer, b_read, w_write},
    {"read-eof", make_pipe, close_reader, close_writer, b_read, close_writer},
    {"write", make_full_pipe, nothing, nothing, b_write, w_read},
    {"write-epipe", make_full_pipe, nothing, close_reader, b_write, close_reader},
    {"fifo-read", make_fifo, nothing, nothing, b_open, b_open_write},
    {"fifo-write", make_fifo, nothing, nothing, b_open_write, b_open},
    {"wait4", make_pipe, close_reader, make_grandchild, c_wait, close_writer},
    {"waitid", make_pipe, close_reader, make_grandchild, c_waitid, close_writer},
    {"pause", make_handler, nothing, nothing, b_pause, w_kill},
    {"sigsuspend", make_blocked, nothing, nothing, b_sigsuspend, w_kill},
    {"sigwaitinfo", make_blocked, nothing, nothing, b_sigwait, w_kill},
    {"signalfd", make_signalfd, nothing, nothing, b_read_fd, w_kill},
    {"poll", make_pipe, nothing, nothing, b_poll, w_write},
    {"ppoll", make_pipe, nothing, nothing, b_ppoll, w_write},
    {"select", make_pipe, nothing, nothing, b_select, w_write},
    {"epoll_wait", make_pipe, nothing, make_epoll, b_epoll, w_write},
    {"poll-hup", make_pipe, close_reader, close_writer, b_poll, close_writer},
    {"eventfd", make_eventfd, nothing, nothing, b_read_fd, w_write_fd},
    {"semop", make_semaphore, nothing, nothing, b_semop, w_post},
    {"msgrcv", make_queue, nothing, nothing, b_msgrcv, w_msgsnd},
    {"msgsnd", make_full_queue, nothing, nothing, b_msgsnd, w_msgrcv},
    {"flock", make_locked, p_flock, open_again, b_flock, w_unlock},
    {"F_SETLKW", make_locked, p_setlk, nothing, b_setlkw, w_unlock_range},
    {"futex", make_word, nothing, nothing, b_futex, w_wake},
    {"socket-read", make_sockets, nothing, nothing, b_read, w_write},
    {"socket-eof", make_sockets, close_reader, close_writer, b_read, close_writer},
    {"datagram", make_packets, nothing, nothing, b_recv, w_send},
    {"accept", make_listener, p_socket, nothing, b_accept, w_connect},
    {"mq_receive", make_mq, nothing, nothing, b_mq, w_mq},
    {"mq_send", make_mq, p_fill_mq, nothing, b_mq_full, w_mq_drain},
    {"splice", make_pipe, nothing, make_target, b_splice, w_write},
    {"inotify", make_inotify, nothing, nothing, b_read_fd, w_create},
};

static int run(const struct how *how)
{
    how->make();
    child = fork();
    if (child == 0) {
        how->child();
        sched_yield();
        how->block();
        _exit(0);
    }
    how->parent();
    sched_yield();
    how->wake();
    int status = 1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (id >= 0 && semctl(id, 0, IPC_RMID) < 0)
        msgctl(id, IPC_RMID, NULL);
    return status != 0;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        if (argc > 1 && strcmp(argv[1], hows[i].name) == 0)
            return run(&hows[i]);
        if (argc == 1)
            puts(hows[i].name);
    }
    return argc > 1 ? 2 : 0;
}
