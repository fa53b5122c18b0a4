#include "run/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/xalloc.h"

struct output {
    int fd;
    struct buf kept;
    _Atomic uint64_t total;
};

struct pump {
    pthread_t thread;
    int input_fd;
    const char *input;
    size_t input_left;
    size_t keep;
    int stop_fd; /* readable once the program is gone */
    struct output outputs[2];
};

static void feed(struct pump *p)
{
    ssize_t n = write(p->input_fd, p->input, p->input_left);
    if (n > 0) {
        p->input += n;
        p->input_left -= (size_t)n;
    }
    bool is_over = p->input_left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    if (is_over)
        fd_close(&p->input_fd);
}

/* Reads once; false at end of file. */
static bool drain(struct pump *p, struct output *o)
{
    char block[65536];
    ssize_t n = read(o->fd, block, sizeof block);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    size_t room = p->keep - o->kept.len;
    buf_put(&o->kept, block, (size_t)n < room ? (size_t)n : room);
    atomic_fetch_add(&o->total, (uint64_t)n);
    return true;
}

/* The program is gone: what it wrote last is still in the pipes. */
static void drain_rest(struct pump *p, struct output *o)
{
    if (o->fd < 0)
        return;
    fcntl(o->fd, F_SETFL, O_NONBLOCK);
    struct pollfd ready = {.fd = o->fd, .events = POLLIN};
    while (poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN) && drain(p, o))
        continue;
}

static void *pump_main(void *arg)
{
    struct pump *p = arg;
    for (;;) {
        struct pollfd fds[4] = {{.fd = p->stop_fd, .events = POLLIN},
                                {.fd = p->input_fd, .events = POLLOUT},
                                {.fd = p->outputs[0].fd, .events = POLLIN},
                                {.fd = p->outputs[1].fd, .events = POLLIN}};
        if (poll(fds, 4, -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents)
            feed(p);
        for (int i = 0; i < 2; i++)
            if (fds[2 + i].revents && !drain(p, &p->outputs[i]))
                fd_close(&p->outputs[i].fd);
        if (fds[0].revents)
            break;
    }
    drain_rest(p, &p->outputs[0]);
    drain_rest(p, &p->outputs[1]);
    return NULL;
}

static void pump_free(struct pump *p)
{
    fd_close(&p->input_fd);
    fd_close(&p->stop_fd);
    for (int i = 0; i < 2; i++) {
        fd_close(&p->outputs[i].fd);
        buf_fini(&p->outputs[i].kept);
    }
    free(p);
}

/* Signals are the main thread's: a pump that caught one would leave the tracer asleep. */
static int start_thread(struct pump *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&p->thread, NULL, pump_main, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

int pump_start(struct pump **out, int program_fds[3], const void *input, size_t input_size,
               size_t keep, struct err *e)
{
    struct pump *p = xcalloc(1, sizeof *p);
    p->input_fd = p->stop_fd = p->outputs[0].fd = p->outputs[1].fd = -1;
    p->input = input;
    p->input_left = input_size;
    p->keep = keep;
    int ends[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int code = 0;
    for (int i = 0; i < 3 && code == 0; i++)
        if (pipe2(ends[i], O_CLOEXEC) < 0)
            code = errno;
    p->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (code == 0 && p->stop_fd < 0)
        code = errno;
    p->input_fd = ends[0][1];
    p->outputs[0].fd = ends[1][0];
    p->outputs[1].fd = ends[2][0];
    if (code == 0) {
        fcntl(p->input_fd, F_SETFL, O_NONBLOCK);
        code = start_thread(p);
    }
    program_fds[0] = ends[0][0];
    program_fds[1] = ends[1][1];
    program_fds[2] = ends[2][1];
    if (code != 0) {
        for (int i = 0; i < 3; i++)
            fd_close(&program_fds[i]);
        pump_free(p);
        return err_sys(e, code, "make pipes for the program");
    }
    *out = p;
    return 0;
}

uint64_t pump_total(const struct pump *p)
{
    return atomic_load(&p->outputs[0].total) + atomic_load(&p->outputs[1].total);
}

void pump_join(struct pump *p, struct buf kept[2], uint64_t total[2])
{
    uint64_t one = 1;
    while (write(p->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    pthread_join(p->thread, NULL);
    for (int i = 0; i < 2; i++) {
        kept[i] = p->outputs[i].kept;
        p->outputs[i].kept = (struct buf){0};
        total[i] = atomic_load(&p->outputs[i].total);
    }
    pump_free(p);
}
