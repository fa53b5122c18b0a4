/* Names of signals and errors, and what a wait status says. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "trace/call.h"

#define S(name) [name] = #name
#define RT(n) [34 + (n)] = "SIGRTMIN+" #n

static const char *const signals[65] = {S(SIGHUP),
                                        S(SIGINT),
                                        S(SIGQUIT),
                                        S(SIGILL),
                                        S(SIGTRAP),
                                        S(SIGABRT),
                                        S(SIGBUS),
                                        S(SIGFPE),
                                        S(SIGKILL),
                                        S(SIGUSR1),
                                        S(SIGSEGV),
                                        S(SIGUSR2),
                                        S(SIGPIPE),
                                        S(SIGALRM),
                                        S(SIGTERM),
                                        S(SIGSTKFLT),
                                        S(SIGCHLD),
                                        S(SIGCONT),
                                        S(SIGSTOP),
                                        S(SIGTSTP),
                                        S(SIGTTIN),
                                        S(SIGTTOU),
                                        S(SIGURG),
                                        S(SIGXCPU),
                                        S(SIGXFSZ),
                                        S(SIGVTALRM),
                                        S(SIGPROF),
                                        S(SIGWINCH),
                                        S(SIGIO),
                                        S(SIGPWR),
                                        S(SIGSYS),
                                        [32] = "SIG32",
                                        [33] = "SIG33", /* libc's own (signal(7)) */
                                        [34] = "SIGRTMIN",
                                        RT(1),
                                        RT(2),
                                        RT(3),
                                        RT(4),
                                        RT(5),
                                        RT(6),
                                        RT(7),
                                        RT(8),
                                        RT(9),
                                        RT(10),
                                        RT(11),
                                        RT(12),
                                        RT(13),
                                        RT(14),
                                        RT(15),
                                        RT(16),
                                        RT(17),
                                        RT(18),
                                        RT(19),
                                        RT(20),
                                        RT(21),
                                        RT(22),
                                        RT(23),
                                        RT(24),
                                        RT(25),
                                        RT(26),
                                        RT(27),
                                        RT(28),
                                        RT(29),
                                        [64] = "SIGRTMAX"};

const char *signal_name(int sig)
{
    return sig > 0 && sig < 65 && signals[sig] ? signals[sig] : "SIG?";
}

const char *errno_name(int code)
{
    const char *name = strerrorname_np(code < 0 ? -code : code);
    return name ? name : "E?";
}

void status_format(int wait_status, struct buf *out)
{
    if (WIFEXITED(wait_status))
        buf_printf(out, "exited %d", WEXITSTATUS(wait_status));
    else if (WIFSTOPPED(wait_status))
        buf_printf(out, "stopped by %s", signal_name(WSTOPSIG(wait_status)));
    else if (WIFCONTINUED(wait_status))
        buf_puts(out, "continued");
    else
        buf_printf(out, "killed by %s%s", signal_name(WTERMSIG(wait_status)),
                   WCOREDUMP(wait_status) ? " (core dumped)" : "");
}
