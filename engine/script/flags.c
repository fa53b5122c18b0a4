#include "script/flags.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

struct flag {
    uint64_t value;
    const char *name;
    uint64_t mask; /* 0: a bit or bits; else the field whose value it is */
};

#define BIT(name)                 \
    {                             \
        (uint64_t) name, #name, 0 \
    }
#define FIELD(name, mask)                      \
    {                                          \
        (uint64_t) name, #name, (uint64_t)mask \
    }
#define END        \
    {              \
        0, NULL, 0 \
    }

static const struct flag open_flags[] = {
    FIELD(O_RDONLY, O_ACCMODE),
    FIELD(O_WRONLY, O_ACCMODE),
    FIELD(O_RDWR, O_ACCMODE),
    BIT(O_APPEND),
    BIT(O_CLOEXEC),
    BIT(O_CREAT),
    BIT(O_DIRECT),
    BIT(O_DIRECTORY),
    BIT(O_EXCL),
    BIT(O_NOFOLLOW),
    BIT(O_NONBLOCK),
    BIT(O_PATH),
    BIT(O_SYNC),
    BIT(O_TRUNC),
    END,
};
static const struct flag new_fd_flags[] = {
    BIT(O_CLOEXEC),
    BIT(O_NONBLOCK),
    BIT(O_DIRECT),
    END,
};
static const struct flag status_flags[] = {
    BIT(O_APPEND), BIT(O_ASYNC), BIT(O_DIRECT), BIT(O_NONBLOCK), END,
};
static const struct flag fd_flags[] = {BIT(FD_CLOEXEC), END};
static const struct flag clone_flags[] = {
    BIT(CLONE_FILES),  BIT(CLONE_FS),    BIT(CLONE_PARENT), BIT(CLONE_SIGHAND),
    BIT(CLONE_THREAD), BIT(CLONE_VFORK), BIT(CLONE_VM),     END,
};
static const struct flag wait_flags[] = {
    BIT(WNOHANG), BIT(WUNTRACED), BIT(WCONTINUED), BIT(WEXITED), BIT(WNOWAIT), END,
};
static const struct flag sigaction_flags[] = {
    BIT(SA_NOCLDSTOP), BIT(SA_NOCLDWAIT), BIT(SA_NODEFER), BIT(SA_ONSTACK),
    BIT(SA_RESETHAND), BIT(SA_RESTART),   BIT(SA_SIGINFO), END,
};
static const struct flag sigmask_flags[] = {
    FIELD(SIG_BLOCK, 3),
    FIELD(SIG_UNBLOCK, 3),
    FIELD(SIG_SETMASK, 3),
    END,
};
static const struct flag close_range_flags[] = {
    BIT(CLOSE_RANGE_CLOEXEC),
    BIT(CLOSE_RANGE_UNSHARE),
    END,
};

static const struct flag *const by_kind[OP_KIND_COUNT] = {
    [OP_OPEN] = open_flags,
    [OP_PIPE] = new_fd_flags,
    [OP_DUP] = new_fd_flags,
    [OP_NEW_FD] = new_fd_flags,
    [OP_FD_FLAGS] = fd_flags,
    [OP_STATUS_FLAGS] = status_flags,
    [OP_FORK] = clone_flags,
    [OP_WAIT] = wait_flags,
    [OP_SIGACTION] = sigaction_flags,
    [OP_SIGMASK] = sigmask_flags,
    [OP_CLOSE_RANGE] = close_range_flags,
};

void flags_list(const struct op *op, void (*take)(void *arg, const char *name), void *arg)
{
    if (op->kind == OP_NONBLOCK && op->flags != 0)
        take(arg, "O_NONBLOCK");
    for (const struct flag *flag = by_kind[op->kind]; flag != NULL && flag->name != NULL; flag++) {
        uint64_t part = op->flags & (flag->mask != 0 ? flag->mask : flag->value);
        if (part == flag->value)
            take(arg, flag->name);
    }
}
