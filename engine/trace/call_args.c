#include "trace/call_args.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "trace/call_flags.h"

enum { SHORT_TEXT = 32, LONG_TEXT = 256, SHORT_LIST = 4, LONG_LIST = 64 };
enum { F_GETPIPE_SIZE = 1032 };

bool arg_is_result(char letter)
{
    return letter != '\0' && strchr("rV2iAMkTEyR", letter) != NULL;
}

bool arg_is_minor(const struct raw *raw, int arg, const char *shape)
{
    switch (shape[arg]) {
    case '.':
    case 'y':
    case 'T':
    case 'A': return true;
    case 'x': return raw_arg(raw, arg) == 0 || raw->ev->call == CALL_execve;
    case 'M': return raw->ev->call != CALL_rt_sigpending;
    case 'D': return raw_int(raw, arg) == AT_FDCWD;
    case 'l': return arg > 0 && strchr("mMAhc", shape[arg - 1]) != NULL;
    case 'N': return raw_arg(raw, arg) == 0;
    default: return false;
    }
}

bool arg_exists(const struct raw *raw, int arg, const char *shape)
{
    uint32_t request = (uint32_t)raw_arg(raw, 1);
    if (shape[arg] == 'o' && arg > 0 && shape[arg - 1] == 'O')
        return raw_arg(raw, arg - 1) & (O_CREAT | __O_TMPFILE);
    if (shape[arg] != 'X')
        return true;
    if (raw->ev->call == CALL_ioctl)
        return request != FIOCLEX && request != FIONCLEX;
    return request != F_GETFD && request != F_GETFL && request != F_GETPIPE_SIZE &&
           request != F_GETOWN && request != F_GETSIG;
}

/* ---- pieces ---- */

static void not_kept(const struct raw *raw, int arg, struct buf *out)
{
    buf_puts(out, raw_arg(raw, arg) ? "..." : "NULL");
}

void duration_format(int64_t ns, struct buf *out)
{
    if (ns < 0)
        buf_puts(out, "no limit");
    else if (ns == 0 || ns >= 1000000000)
        buf_printf(out, "%.9g s", (double)ns / 1e9);
    else if (ns >= 1000000)
        buf_printf(out, "%.6g ms", (double)ns / 1e6);
    else
        buf_printf(out, "%.3g us", (double)ns / 1e3);
}

static void put_time(const struct raw *raw, int arg, enum blob_side side, size_t at, bool is_micro,
                     struct buf *out)
{
    int64_t parts[2];
    if (!raw_memory(raw, arg, side, at, parts, sizeof parts)) {
        not_kept(raw, arg, out);
        return;
    }
    int64_t unit = is_micro ? 1000 : 1;
    if (parts[0] < 0 || parts[0] > 9000000000 || parts[1] < 0 || parts[1] > 1000000000 / unit)
        buf_printf(out, "{%" PRId64 ", %" PRId64 "}", parts[0], parts[1]);
    else
        duration_format(parts[0] * 1000000000 + parts[1] * unit, out);
}

static void put_bytes(const struct raw *raw, int arg, enum blob_side side, bool is_short,
                      struct buf *out)
{
    struct blob b;
    size_t most = is_short ? SHORT_TEXT : LONG_TEXT;
    if (!recording_blob(raw->rec, raw->ev, arg, side, &b)) {
        bool is_end = side == BLOB_OUT && raw_has_succeeded(raw) && raw->ev->ret == 0;
        if (is_end)
            buf_puts(out, "\"\"");
        else
            not_kept(raw, arg, out);
        return;
    }
    buf_quoted(out, b.bytes, b.kept, most);
    if (b.kept <= most && b.length > b.kept)
        buf_puts(out, "...");
}

static void put_strings(const struct raw *raw, int arg, bool is_short, struct buf *out)
{
    struct blob b;
    if (!recording_blob(raw->rec, raw->ev, arg, BLOB_IN, &b)) {
        not_kept(raw, arg, out);
        return;
    }
    size_t most = is_short ? SHORT_LIST : LONG_LIST, count = 0;
    buf_putc(out, '[');
    for (size_t at = 0; at < b.kept; count++) {
        const char *text = (const char *)b.bytes + at;
        size_t length = strnlen(text, b.kept - at);
        if (count < most) {
            buf_puts(out, count ? ", " : "");
            buf_quoted(out, text, length, is_short ? SHORT_TEXT : LONG_TEXT);
        }
        at += length + 1;
    }
    buf_puts(out, count > most ? ", ...]" : "]");
}

static void put_sigset(const struct raw *raw, int arg, enum blob_side side, struct buf *out)
{
    uint64_t mask;
    if (!raw_memory(raw, arg, side, 0, &mask, sizeof mask)) {
        not_kept(raw, arg, out);
        return;
    }
    bool is_inverse = __builtin_popcountll(mask) > 32; /* shorter to say which are missing */
    if (is_inverse)
        mask = ~mask;
    buf_puts(out, is_inverse ? "all but [" : "[");
    const char *separator = "";
    for (int sig = 1; sig <= 64; sig++) {
        if (!(mask >> (sig - 1) & 1) || (is_inverse && (sig == 32 || sig == 33)))
            continue;
        buf_printf(out, "%s%s", separator, signal_name(sig));
        separator = " ";
    }
    buf_putc(out, ']');
}

static void put_handler(uint64_t handler, struct buf *out)
{
    if (handler == 0)
        buf_puts(out, "SIG_DFL");
    else if (handler == 1)
        buf_puts(out, "SIG_IGN");
    else
        buf_printf(out, "handler 0x%" PRIx64, handler);
}

static void put_sigaction(const struct raw *raw, int arg, enum blob_side side, struct buf *out)
{
    uint64_t action[4] = {0}; /* handler, flags, restorer, mask */
    if (!raw_memory(raw, arg, side, 0, action, sizeof action)) {
        not_kept(raw, arg, out);
        return;
    }
    buf_putc(out, '{');
    put_handler(action[0], out);
    if (action[1] & ~(uint64_t)0x04000000) {
        buf_puts(out, ", ");
        flags_sigaction(out, action[1]);
    }
    buf_putc(out, '}');
}

void siginfo_format(const struct raw *raw, int arg, enum blob_side side, struct buf *out)
{
    int info[7]; /* signo, errno, code, padding, pid, uid, status */
    if (!raw_memory(raw, arg, side, 0, info, sizeof info)) {
        not_kept(raw, arg, out);
        return;
    }
    if (info[0] == 0) {
        buf_puts(out, "nobody");
        return;
    }
    buf_puts(out, signal_name(info[0]));
    bool is_child = info[0] == SIGCHLD && info[2] > 0;
    if (is_child || info[2] == SI_USER || info[2] == SI_TKILL || info[2] == SI_QUEUE)
        buf_printf(out, " from %d", info[4]);
    else if (info[2] == SI_TIMER)
        buf_puts(out, " from a timer");
    else
        buf_puts(out, " from the kernel");
    if (!is_child)
        return;
    static const char *const words[] = {"",           "exited",     "killed by",   "killed by",
                                        "trapped by", "stopped by", "continued by"};
    const char *word = info[2] < 7 ? words[info[2]] : "?";
    if (info[2] == CLD_EXITED)
        buf_printf(out, ", %s %d", word, info[6]);
    else
        buf_printf(out, ", %s %s", word, signal_name(info[6]));
}

/* ---- arrays ---- */

static void put_pollfds(const struct raw *raw, bool is_short, struct buf *out)
{
    struct op_poll polls[LONG_LIST];
    size_t count = call_polls(raw->rec, raw->ev, polls, LONG_LIST);
    size_t most = is_short ? SHORT_LIST : LONG_LIST;
    buf_putc(out, '[');
    for (size_t i = 0; i < count && i < most; i++) {
        buf_printf(out, "%s%d ", i ? ", " : "", polls[i].fd);
        flags_poll(out, (uint16_t)polls[i].events);
        if (polls[i].revents) {
            buf_puts(out, ": ");
            flags_poll(out, (uint16_t)polls[i].revents);
        }
    }
    buf_puts(out, count > most ? ", ...]" : "]");
}

static void put_set(const struct raw *raw, int arg, enum blob_side side, struct buf *out)
{
    uint64_t word;
    const char *separator = "";
    buf_putc(out, '[');
    for (size_t at = 0; raw_memory(raw, arg, side, at, &word, sizeof word); at += sizeof word) {
        for (int bit = 0; bit < 64; bit++) {
            if (!(word >> bit & 1))
                continue;
            buf_printf(out, "%s%zu", separator, at * 8 + (size_t)bit);
            separator = " ";
        }
    }
    buf_putc(out, ']');
}

static void put_fd_set(const struct raw *raw, int arg, struct buf *out)
{
    if (!raw_arg(raw, arg)) {
        buf_puts(out, "NULL");
        return;
    }
    put_set(raw, arg, BLOB_IN, out);
    if (!raw_has_succeeded(raw))
        return;
    buf_puts(out, ": ");
    put_set(raw, arg, BLOB_OUT, out);
}

static void put_epoll_event(const struct raw *raw, int arg, enum blob_side side, size_t at,
                            struct buf *out)
{
    uint32_t events;
    uint64_t data;
    size_t data_at = at + (recording_arch(raw->rec) == ARCH_X86_64 ? 4 : 8);
    if (!raw_memory(raw, arg, side, at, &events, sizeof events) ||
        !raw_memory(raw, arg, side, data_at, &data, sizeof data)) {
        not_kept(raw, arg, out);
        return;
    }
    buf_putc(out, '{');
    flags_epoll(out, events);
    buf_printf(out, data > 0xffff ? ", 0x%" PRIx64 "}" : ", %" PRIu64 "}", data);
}

static void put_epoll_events(const struct raw *raw, int arg, bool is_short, struct buf *out)
{
    size_t size = recording_arch(raw->rec) == ARCH_X86_64 ? 12 : 16;
    size_t count = raw_has_succeeded(raw) ? (size_t)raw->ev->ret : 0;
    size_t most = is_short ? SHORT_LIST : LONG_LIST;
    buf_putc(out, '[');
    for (size_t i = 0; i < count && i < most; i++) {
        buf_puts(out, i ? ", " : "");
        put_epoll_event(raw, arg, BLOB_OUT, i * size, out);
    }
    buf_puts(out, count > most ? ", ...]" : "]");
}

static void put_pair(const struct raw *raw, int arg, struct buf *out)
{
    int fds[2];
    if (raw_memory(raw, arg, BLOB_OUT, 0, fds, sizeof fds))
        buf_printf(out, "[%d, %d]", fds[0], fds[1]);
    else
        not_kept(raw, arg, out);
}

static void put_int(const struct raw *raw, int arg, enum blob_side side, struct buf *out)
{
    int value = 0;
    if (!raw_memory(raw, arg, side, 0, &value, sizeof value)) {
        not_kept(raw, arg, out);
        return;
    }
    buf_putc(out, '[');
    if (raw->ev->call == CALL_wait4)
        status_format(value, out);
    else
        buf_printf(out, "%d", value);
    buf_putc(out, ']');
}

static void put_offset(const struct raw *raw, int arg, struct buf *out)
{
    int64_t before, after;
    if (!raw_memory(raw, arg, BLOB_IN, 0, &before, sizeof before)) {
        not_kept(raw, arg, out);
        return;
    }
    buf_printf(out, "[%" PRId64, before);
    if (raw_memory(raw, arg, BLOB_OUT, 0, &after, sizeof after) && after != before)
        buf_printf(out, ": %" PRId64, after);
    buf_putc(out, ']');
}

/* ---- flags ---- */

static void put_clone_flags(uint64_t flags, int sig, bool is_short, struct buf *out)
{
    const uint64_t tids = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    if (is_short)
        flags &= ~tids;
    if (flags)
        flags_clone(out, flags);
    if (sig)
        buf_printf(out, "%s%s", flags ? "|" : "", signal_name(sig));
    else if (!flags)
        buf_putc(out, '0');
}

static void put_clone(const struct raw *raw, int arg, char letter, bool is_short, struct buf *out)
{
    uint64_t args[5] = {raw_arg(raw, arg) &
                        ~(uint64_t)CSIGNAL}; /* or clone_args: [4] exit signal */
    args[4] = raw_arg(raw, arg) & CSIGNAL;
    if (letter == 'c' && !raw_memory(raw, arg, BLOB_IN, 0, args, sizeof args))
        not_kept(raw, arg, out);
    else
        put_clone_flags(args[0], (int)args[4], is_short, out);
}

static void put_open_flags(const struct raw *raw, int arg, const char *shape, struct buf *out)
{
    uint64_t flags = raw_arg(raw, arg);
    bool has_mode = arg > 0 && shape[arg - 1] == 's';
    if (shape[arg] == 'h') {
        if (!raw_memory(raw, arg, BLOB_IN, 0, &flags, sizeof flags)) {
            not_kept(raw, arg, out);
            return;
        }
        has_mode = true;
    }
    flags_open(out, flags, has_mode, recording_arch(raw->rec));
}

static void put_request_arg(const struct raw *raw, int arg, struct buf *out)
{
    uint64_t value = raw_arg(raw, arg);
    uint32_t request = (uint32_t)raw_arg(raw, 1);
    if (raw->ev->call == CALL_ioctl && request == FIONBIO)
        put_int(raw, arg, BLOB_IN, out);
    else if (raw->ev->call == CALL_ioctl && request == FIONREAD)
        put_int(raw, arg, BLOB_OUT, out);
    else if (raw->ev->call == CALL_fcntl && request == F_SETFL)
        flags_open(out, value, false, recording_arch(raw->rec));
    else if (raw->ev->call == CALL_fcntl && request == F_SETFD)
        buf_puts(out, value & FD_CLOEXEC ? "FD_CLOEXEC" : "0");
    else if (value > 0xffffffff || raw->ev->call == CALL_ioctl)
        not_kept(raw, arg, out);
    else
        buf_printf(out, "%" PRIu64, value);
}

static void put_directory(int fd, struct buf *out)
{
    if (fd == AT_FDCWD)
        buf_puts(out, "AT_FDCWD");
    else
        buf_printf(out, "%d", fd);
}

/* ---- by letter ---- */

static void value_format(const struct raw *raw, int arg, const char *shape, bool is_short,
                         struct buf *out)
{
    uint64_t value = raw_arg(raw, arg);
    switch (shape[arg]) {
    case 'f':
    case 'd':
    case 'p': buf_printf(out, "%d", (int)value); break;
    case 'u': buf_printf(out, "%u", (unsigned)value); break;
    case 'l': buf_printf(out, "%" PRIu64, value); break;
    case 'n': buf_printf(out, "%" PRId64, (int64_t)value); break;
    case 'o': buf_printf(out, "%#" PRIo64, value & 07777777); break;
    case 'g': buf_puts(out, value ? signal_name((int)value) : "0"); break;
    case 'D': put_directory((int)value, out); break;
    case 'O': put_open_flags(raw, arg, shape, out); break;
    case 'W': flags_wait(out, value); break;
    case 'C': put_clone(raw, arg, 'C', is_short, out); break;
    case 'Q': flags_request(out, raw->ev->call, value); break;
    case '.': buf_puts(out, value ? "..." : "NULL"); break;
    default: buf_printf(out, value ? "0x%" PRIx64 : "0", value); break;
    }
}

void arg_format(const struct raw *raw, int arg, const char *shape, bool is_short, struct buf *out)
{
    char letter = shape[arg];
    switch (letter) {
    case 's':
    case 'w':
    case 'v': put_bytes(raw, arg, BLOB_IN, is_short && letter != 's', out); break;
    case 'r':
    case 'V': put_bytes(raw, arg, BLOB_OUT, is_short, out); break;
    case 'z': put_strings(raw, arg, is_short, out); break;
    case '2': put_pair(raw, arg, out); break;
    case 'i':
    case 'y': put_int(raw, arg, BLOB_OUT, out); break;
    case 'a': put_sigaction(raw, arg, BLOB_IN, out); break;
    case 'A': put_sigaction(raw, arg, BLOB_OUT, out); break;
    case 'G':
    case 'm': put_sigset(raw, arg, BLOB_IN, out); break;
    case 'M': put_sigset(raw, arg, BLOB_OUT, out); break;
    case 'K': siginfo_format(raw, arg, BLOB_IN, out); break;
    case 'k': siginfo_format(raw, arg, BLOB_OUT, out); break;
    case 't': put_time(raw, arg, BLOB_IN, 0, false, out); break;
    case 'T': put_time(raw, arg, BLOB_OUT, 0, false, out); break;
    case 'j': put_time(raw, arg, BLOB_IN, 0, true, out); break;
    case 'q': put_time(raw, arg, BLOB_IN, 16, raw->ev->call == CALL_setitimer, out); break;
    case 'P': put_pollfds(raw, is_short, out); break;
    case 'S': put_fd_set(raw, arg, out); break;
    case 'e': put_epoll_event(raw, arg, BLOB_IN, 0, out); break;
    case 'E': put_epoll_events(raw, arg, is_short, out); break;
    case 'N': put_offset(raw, arg, out); break;
    case 'c': put_clone(raw, arg, 'c', is_short, out); break;
    case 'h': put_open_flags(raw, arg, shape, out); break;
    case 'X': put_request_arg(raw, arg, out); break;
    case 'R':
    case 'Y': not_kept(raw, arg, out); break;
    default: value_format(raw, arg, shape, is_short, out); break;
    }
}
