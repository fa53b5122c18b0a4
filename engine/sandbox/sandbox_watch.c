/* Memory, without a memory controller: what the processes have mapped privately is added up; what
 * hides (files in memory that nobody maps) is seen when the host runs short. Everything else is
 * bounded: /tmp, /dev/shm, SysV segments and queues by limits of their own. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "sandbox/sandbox_internal.h"

enum { LOOK_EVERY_NS = 10 * 1000 * 1000, DEPTH_MAX = 64 };

static uint64_t host_available(void)
{
    struct buf text = {0};
    uint64_t kib = 0;
    if (file_read(&text, "/proc/meminfo", 4096, NULL) == 0) {
        const char *line = strstr(text.data, "MemAvailable:");
        if (line)
            kib = strtoull(line + strlen("MemAvailable:"), NULL, 10);
    }
    buf_fini(&text);
    return kib << 10;
}

/* Resident pages that are not shared: proc(5), statm. */
static uint64_t private_memory(pid_t pid)
{
    char path[64];
    struct buf text = {0};
    unsigned long long size, resident, shared;
    uint64_t bytes = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    if (file_read(&text, path, 256, NULL) == 0 && text.len &&
        sscanf(text.data, "%llu %llu %llu", &size, &resident, &shared) == 3 && resident > shared)
        bytes = (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
    buf_fini(&text);
    return bytes;
}

static uint64_t memory_below(pid_t pid, int depth);

static uint64_t memory_of_children(pid_t pid, pid_t tid, int depth)
{
    char path[64];
    struct buf text = {0};
    uint64_t bytes = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)tid);
    if (file_read(&text, path, 1 << 16, NULL) == 0 && text.len) {
        char *rest = text.data;
        for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
            pid_t child = (pid_t)strtol(word, NULL, 10);
            bytes += private_memory(child) + memory_below(child, depth + 1);
        }
    }
    buf_fini(&text);
    return bytes;
}

/* Each thread has children of its own. */
static uint64_t memory_below(pid_t pid, int depth)
{
    char path[64];
    uint64_t bytes = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = depth < DEPTH_MAX ? opendir(path) : NULL;
    if (!tasks)
        return 0;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]))
            bytes += memory_of_children(pid, (pid_t)strtol(entry->d_name, NULL, 10), depth);
    closedir(tasks);
    return bytes;
}

int sandbox_watch(struct sandbox *s, struct err *e)
{
    uint64_t now = clock_ns();
    if (now - s->watched_ns < LOOK_EVERY_NS)
        return 0;
    uint64_t available = host_available();
    if (!s->watched_ns)
        s->host_reserve = available / 8;
    s->watched_ns = now;
    if (available < s->host_reserve)
        return err_set(e, ENOMEM, "run in sandbox: the machine's memory is nearly gone");
    uint64_t used = memory_below(s->init_pid, 0);
    if (used > s->memory_total)
        return err_set(e, ENOMEM, "run in sandbox: its processes use %llu MiB, more than %llu MiB",
                       (unsigned long long)(used >> 20),
                       (unsigned long long)(s->memory_total >> 20));
    return 0;
}
