#include "trace/space.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/object.h"

enum {
    FREE_READS = 16, /* of maps; then at most one in REREAD_NS */
    REREAD_NS = 20 * 1000 * 1000,
    MAPS_MAX = 1 << 22,
};

struct space {
    struct objects *all;
    unsigned references;
    struct range *ranges; /* sorted */
    size_t ranges_count, ranges_cap;
    size_t last; /* hit */
    unsigned reads;
    uint64_t read_ns;
    bool may_be_own;
};

struct space *space_new(struct objects *all)
{
    struct space *s = xcalloc(1, sizeof *s);
    s->all = all;
    s->references = 1;
    s->may_be_own = true;
    return s;
}

struct space *space_share(struct space *s)
{
    s->references++;
    return s;
}

struct space *space_copy(const struct space *s)
{
    struct space *copy = xmemdup(s, sizeof *s);
    copy->references = 1;
    copy->ranges = NULL;
    copy->ranges_cap = 0;
    xgrow(&copy->ranges, &copy->ranges_cap, s->ranges_count + 1, sizeof *s->ranges);
    if (s->ranges_count)
        memcpy(copy->ranges, s->ranges, s->ranges_count * sizeof *s->ranges);
    return copy;
}

void space_release(struct space *s)
{
    if (!s || --s->references)
        return;
    free(s->ranges);
    free(s);
}

bool space_may_be_own(const struct space *s)
{
    return s->may_be_own;
}

/* One line of proc_pid_maps(5): start-end perms offset major:minor inode path */
static bool parse_line(const char *line, struct range *range, struct mapped_file *file)
{
    char perms[8];
    unsigned major, minor;
    int path = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %x:%x %" SCNu64 " %n", &range->start,
               &range->end, perms, &file->offset, &major, &minor, &file->ino, &path) < 7)
        return false;
    file->dev = makedev(major, minor);
    file->path = line + path;
    return perms[2] == 'x';
}

static void read_maps(struct space *s, pid_t tid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)tid);
    struct buf text = {0};
    s->reads++;
    s->read_ns = clock_ns();
    if (file_read(&text, path, MAPS_MAX, NULL) < 0 || !text.data) {
        buf_fini(&text);
        return;
    }
    s->ranges_count = 0;
    s->may_be_own = false;
    char *rest = NULL;
    for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct range range = {0};
        struct mapped_file file = {.tid = tid};
        if (!parse_line(line, &range, &file))
            continue;
        if (file.path[0] == '/')
            range.object = objects_get(s->all, &file, range.start, &range.bias);
        /* code of no file (a JIT's) cannot be unwound, but what it calls can */
        if (range.object && object_is_own(range.object))
            s->may_be_own = true;
        *PUSH(s->ranges) = range;
    }
    s->last = 0;
    buf_fini(&text);
}

static bool holds(const struct range *r, uint64_t address)
{
    return address >= r->start && address < r->end;
}

static const struct range *look_up(struct space *s, uint64_t address)
{
    if (s->last < s->ranges_count && holds(&s->ranges[s->last], address))
        return &s->ranges[s->last];
    size_t low = 0, high = s->ranges_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->ranges[mid].end <= address)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == s->ranges_count || !holds(&s->ranges[low], address))
        return NULL;
    s->last = low;
    return &s->ranges[low];
}

const struct range *space_find(struct space *s, pid_t tid, uint64_t address)
{
    const struct range *found = look_up(s, address);
    if (found)
        return found;
    if (s->reads >= FREE_READS && clock_ns() - s->read_ns < REREAD_NS)
        return NULL;
    read_maps(s, tid);
    return look_up(s, address);
}
