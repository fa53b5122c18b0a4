#include "trace/task.h"

#include <stdlib.h>
#include <string.h>

#include "base/fdutil.h"
#include "base/xalloc.h"

void tasks_fini(struct tasks *t)
{
    while (t->all_count)
        tasks_remove(t, t->all[0]);
    free(t->all);
    free(t->strays);
}

struct task *tasks_find(struct tasks *t, pid_t tid)
{
    if (t->last && t->last->tid == tid)
        return t->last;
    struct task *task = t->buckets[(unsigned)tid % TASK_BUCKETS];
    while (task && task->tid != tid)
        task = task->next;
    if (task)
        t->last = task;
    return task;
}

struct task *tasks_add(struct tasks *t, pid_t tid, pid_t tgid, struct space *take_space)
{
    struct task *task = xcalloc(1, sizeof *task);
    struct task **bucket = &t->buckets[(unsigned)tid % TASK_BUCKETS];
    *task = (struct task){.tid = tid,
                          .tgid = tgid,
                          .space = take_space,
                          .index = t->all_count,
                          .next = *bucket,
                          .brake.stat_fd = -1,
                          .brake.syscall_fd = -1,
                          .brake.status_fd = -1,
                          .brake.schedstat_fd = -1,
                          .brake.call_event = BRAKE_NOBODY,
                          .brake.child = BRAKE_NOBODY};
    *bucket = task;
    *PUSH(t->all) = task;
    return task;
}

void tasks_remove(struct tasks *t, struct task *task)
{
    struct task **link = &t->buckets[(unsigned)task->tid % TASK_BUCKETS];
    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    struct task *moved = t->all[--t->all_count];
    t->all[task->index] = moved;
    moved->index = task->index;
    if (t->last == task)
        t->last = NULL;
    space_release(task->space);
    fd_close(&task->brake.stat_fd);
    fd_close(&task->brake.syscall_fd);
    fd_close(&task->brake.status_fd);
    fd_close(&task->brake.schedstat_fd);
    free(task);
}

void tasks_add_stray(struct tasks *t, struct stray stray)
{
    *PUSH(t->strays) = stray;
}

bool tasks_take_stray(struct tasks *t, pid_t tid, struct stray *out)
{
    for (size_t i = 0; i < t->strays_count; i++) {
        if (t->strays[i].tid != tid)
            continue;
        *out = t->strays[i];
        t->strays_count--;
        memmove(&t->strays[i], &t->strays[i + 1], (t->strays_count - i) * sizeof *t->strays);
        return true;
    }
    return false;
}
