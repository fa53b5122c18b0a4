#include "ui/guardian.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"

enum { LENT = 'l', TAKEN_BACK = 't', GOODBYE = 'g' };

static struct {
    int fd; /* our end of the socket; -1: nobody listens */
    pid_t pid;
} guardian = {.fd = -1};

/* ---- the child ---- */

static bool are_same(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
           a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof a->c_cc) == 0;
}

static void restore(const struct guarded *what)
{
    struct termios now;
    if (fd_write_full(STDOUT_FILENO, what->farewell, what->farewell_size) < 0)
        return; /* the terminal is gone */
    if (tcgetattr(STDIN_FILENO, &now) == 0 && are_same(&now, &what->ours))
        tcsetattr(STDIN_FILENO, TCSADRAIN, &what->before);
}

/* What ends the runner or its process group must not end this one, and it may write to the terminal
 * from the background (SIGTTOU). */
static void shield(void)
{
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
                                  SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_IGN);
    setpgid(0, 0);
    prctl(PR_SET_NAME, "ipclab-guard");
}

static _Noreturn void guard(const struct guarded *what, int fd)
{
    bool is_lent = false;
    char byte;
    shield();
    if (fd > 3)
        close_range(3, (unsigned)fd - 1, 0);
    close_range((unsigned)fd + 1, ~0U, 0);
    for (;;) {
        ssize_t n = read(fd, &byte, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (byte == GOODBYE)
            _exit(0);
        is_lent = byte == LENT;
    }
    if (!is_lent)
        restore(what);
    _exit(0);
}

/* ---- the runner ---- */

void guardian_start(const struct guarded *what)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return;
    switch (guardian.pid = fork()) {
    case -1: close(ends[0]); break;
    case 0: guard(what, ends[1]);
    default: guardian.fd = ends[0];
    }
    close(ends[1]);
}

static void say(char byte)
{
    if (guardian.fd >= 0)
        send(guardian.fd, &byte, 1, MSG_NOSIGNAL);
}

void guardian_lent(void)
{
    say(LENT);
}

void guardian_taken_back(void)
{
    say(TAKEN_BACK);
}

void guardian_goodbye(void)
{
    say(GOODBYE);
}

void guardian_stop(void)
{
    if (guardian.fd < 0)
        return;
    guardian_goodbye();
    fd_close(&guardian.fd);
    while (waitpid(guardian.pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
