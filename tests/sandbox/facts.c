/* What a program in the sandbox sees, a line "NAME VALUE" each. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *answer(long result)
{
    return result < 0 ? strerrorname_np(errno) : "ok";
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
    return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int is_number(const struct dirent *entry)
{
    return entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
}

static void list(const char *name, const char *path, int (*filter)(const struct dirent *),
                 int (*order)(const struct dirent **, const struct dirent **))
{
    struct dirent **entries;
    int count = scandir(path, &entries, filter, order);
    printf("%s", name);
    for (int i = 0; i < count; i++)
        printf(" %s", entries[i]->d_name);
    printf("\n");
}

static void show_identity(void)
{
    struct utsname host;
    char cwd[256];
    uname(&host);
    mode_t mask = umask(0);
    umask(mask);
    printf("ids %d %d uid %d gid %d groups %d\n", getpid(), getppid(), getuid(), getgid(),
           getgroups(0, NULL));
    printf("session %s\n", getsid(0) == getpid() && getpgrp() == getpid() ? "own" : "shared");
    printf("host %s\n", host.nodename);
    printf("cwd %s umask %03o\n", getcwd(cwd, sizeof cwd), mask);
    printf("environment");
    for (char **e = environ; *e; e++)
        printf(" %s", *e);
    printf("\npersonality %s\n",
           personality(0xffffffff) & ADDR_NO_RANDOMIZE ? "fixed addresses" : "random addresses");
}

struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static void show_signals(void)
{
    uint64_t mask = 0, odd = 0;
    for (int n = 1; n <= 64; n++) {
        struct kernel_action action = {0};
        syscall(SYS_rt_sigaction, n, NULL, &action, sizeof action.mask);
        odd |= (uint64_t)(action.handler != SIG_DFL) << (n - 1);
    }
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, sizeof mask);
    printf("signals not default %#lx masked %#lx\n", odd, mask);
}

static void show_status(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    static const char *const wanted[] = {"CapInh",     "CapPrm",   "CapEff",    "CapBnd", "CapAmb",
                                         "NoNewPrivs", "Seccomp:", "TracerPid", "SigPnd"};
    while (file && fgets(line, sizeof line, file))
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
                printf("%.*s %s", (int)strcspn(line, ":"), line, strrchr(line, '\t') + 1);
    if (file)
        fclose(file);
}

static void show_limits(void)
{
    static const struct {
        const char *name;
        int resource;
    } limits[] = {
        {"core", RLIMIT_CORE},       {"processes", RLIMIT_NPROC},    {"files", RLIMIT_NOFILE},
        {"file", RLIMIT_FSIZE},      {"memory", RLIMIT_AS},          {"cpu", RLIMIT_CPU},
        {"queues", RLIMIT_MSGQUEUE}, {"pending", RLIMIT_SIGPENDING}, {"realtime", RLIMIT_RTPRIO}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit limit;
        getrlimit((__rlimit_resource_t)limits[i].resource, &limit);
        printf("limit %s %lu %lu\n", limits[i].name, limit.rlim_cur, limit.rlim_max);
    }
}

static void try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    printf("open %s %s\n", path, answer(fd));
    if (fd >= 0)
        close(fd);
}

static void show_files(void)
{
    list("root", "/", is_shown, by_name);
    list("dev", "/dev", is_shown, by_name);
    list("etc", "/etc", is_shown, by_name);
    list("processes", "/proc", is_number, by_number);
    try_open("/new", O_CREAT | O_WRONLY);
    try_open("/usr/new", O_CREAT | O_WRONLY);
    try_open("/tmp/new", O_CREAT | O_WRONLY);
    try_open("/box/new", O_CREAT | O_WRONLY);
    try_open("/dev/null", O_RDWR);
    try_open("/dev/tty", O_RDWR);
    try_open("/proc/self/comm", O_WRONLY);
    try_open("/proc/self/oom_score_adj", O_WRONLY);
    try_open("/proc/sys/kernel/shmmni", O_WRONLY);
    try_open("/proc/sysvipc/shm", O_RDONLY);
    symlink("/etc/passwd", "/tmp/link");
    try_open("/tmp/link", O_RDONLY);
}

static void show_init(void)
{
    char bytes[8];
    struct iovec mine = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct iovec there = {.iov_base = (void *)0x400000, .iov_len = sizeof bytes};
    try_open("/proc/1/environ", O_RDONLY);
    try_open("/proc/1/maps", O_RDONLY);
    try_open("/proc/1/mem", O_RDWR);
    try_open("/proc/1/root", O_PATH | O_DIRECTORY);
    try_open("/proc/1/cwd", O_PATH | O_DIRECTORY);
    try_open("/proc/1/fd/3", O_PATH);
    try_open("/proc/1/exe", O_RDONLY);
    printf("init read %s\n", answer(process_vm_readv(1, &mine, 1, &there, 1, 0)));
    int fd = (int)syscall(SYS_pidfd_open, 1, 0);
    printf("init descriptor %s\n", answer(syscall(SYS_pidfd_getfd, fd, 3, 0)));
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
    printf("init limits %s\n", answer(prlimit(1, RLIMIT_NOFILE, &limit, NULL)));
    kill(1, SIGKILL);
    kill(1, SIGSTOP);
    char line[64] = "?";
    FILE *file = fopen("/proc/1/cmdline", "r");
    if (file && fgets(line, sizeof line, file))
        fclose(file);
    printf("init command %s\n", line);
}

static void show_ipc(void)
{
    printf("ipc shmget %s\n", answer(shmget(42, 4096, IPC_CREAT | 0600)));
    printf("ipc semget %s\n", answer(semget(42, 1, IPC_CREAT | 0600)));
    printf("ipc msgget %s\n", answer(msgget(42, IPC_CREAT | 0600)));
    printf("ipc shm_open %s\n", answer(shm_open("/x", O_CREAT | O_RDWR, 0600)));
    printf("ipc mq_open %s\n", answer(mq_open("/x", O_CREAT | O_RDWR, 0600, NULL)));
    printf("ipc sem_open %s\n", sem_open("/s", O_CREAT, 0600, 1) == SEM_FAILED ? answer(-1) : "ok");
    list("shm", "/dev/shm", is_shown, by_name);
    list("mqueue", "/dev/mqueue", is_shown, by_name);
    printf("ipc too large %s\n", answer(shmget(43, 64 << 20, IPC_CREAT | 0600)));
}

static void show_network(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(9999)};
    struct sockaddr_in away = {.sin_family = AF_INET, .sin_port = htons(80)};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    away.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, RFC 5737 */
    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    int rc = bind(server, (struct sockaddr *)&here, sizeof here);
    rc |= listen(server, 1);
    rc |= connect(client, (struct sockaddr *)&here, sizeof here);
    printf("network loopback %s\n", answer(rc));
    int other = socket(AF_INET, SOCK_STREAM, 0);
    printf("network outside %s\n", answer(connect(other, (struct sockaddr *)&away, sizeof away)));
    printf("network vsock %s\n", answer(socket(AF_VSOCK, SOCK_STREAM, 0)));
    printf("network netlink %s\n", answer(socket(AF_NETLINK, SOCK_RAW, 0)));
    printf("network unix %s\n", answer(socket(AF_UNIX, SOCK_STREAM, 0)));
    printf("network inet6 %s\n", answer(socket(AF_INET6, SOCK_STREAM, 0)));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    list("descriptors", "/proc/self/fd", is_shown, by_number);
    show_identity();
    show_signals();
    show_status();
    show_limits();
    show_files();
    show_init();
    show_ipc();
    show_network();
    printf("end\n");
    return 7;
}
