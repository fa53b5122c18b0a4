/* Calls with a time limit, disturbed by signals, stops and a timer of the same instant: each ends
 * as the kernel would end it. Its time is over, or a handler ran; a stop alone is not to be seen.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t handled;
static struct timespec second = {.tv_sec = 1};

static void on_signal(int sig)
{
    (void)sig;
    handled++;
}

static int by_poll(void)
{
    return poll(NULL, 0, 1000);
}

static int by_select(void)
{
    struct timeval limit = {.tv_sec = 1};
    return select(0, NULL, NULL, NULL, &limit);
}

static int by_epoll(void)
{
    struct epoll_event event;
    int set = epoll_create1(0);
    int n = epoll_wait(set, &event, 1, 1000);
    int code = errno;
    close(set);
    errno = code;
    return n;
}

static int by_sleep(void)
{
    return nanosleep(&second, NULL);
}

static int by_clock(void)
{
    errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL);
    return errno ? -1 : 0;
}

static int by_sigwait(void)
{
    sigset_t none;
    sigemptyset(&none);
    int sig = sigtimedwait(&none, NULL, &second);
    return sig < 0 && errno == EAGAIN ? 0 : sig;
}

static const struct {
    const char *name;
    int (*wait)(void);
} ways[] = {{"poll", by_poll},       {"select", by_select},         {"epoll_wait", by_epoll},
            {"nanosleep", by_sleep}, {"clock_nanosleep", by_clock}, {"sigtimedwait", by_sigwait}};

enum { WAYS = sizeof ways / sizeof *ways };

static void disturb(pid_t whom)
{
    for (int i = 0; i < 3; i++)
        if (kill(whom, SIGUSR1) < 0 || kill(whom, SIGSTOP) < 0 || kill(whom, SIGCONT) < 0)
            _exit(1);
    _exit(0);
}

static int check(int way)
{
    int before = handled;
    int result = ways[way].wait();
    if (result == 0 || (result < 0 && errno == EINTR && handled > before))
        return 0;
    fprintf(stderr, "%s gave %d (errno %d), %d signals were handled\n", ways[way].name, result,
            errno, handled - before);
    return 1;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    int bad = 0, status;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    for (int way = 0; way < WAYS; way++) {
        pid_t whom = getpid(), child = fork();
        if (child == 0)
            disturb(whom);
        bad += check(way);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        bad += status != 0;
        /* both at the same instant */
        alarm(1);
        bad += check(way);
        alarm(0);
    }
    return bad != 0;
}
