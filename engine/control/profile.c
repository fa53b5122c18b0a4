#include "control/profile.h"

#include <stdlib.h>

#include "base/xalloc.h"

void profile_fini(struct profile *p)
{
    free(p->tasks);
    *p = (struct profile){0};
}

void profile_begin(struct profile *p)
{
    p->tasks_count = 0;
    p->moves = p->choices = p->tasks_at_once = 0;
}

static struct profile_task *at(struct profile *p, uint16_t task)
{
    while (p->tasks_count <= task) {
        uint16_t own = (uint16_t)p->tasks_count;
        *PUSH(p->tasks) = (struct profile_task){.parent = own};
    }
    return &p->tasks[task];
}

void profile_saw(struct profile *p, const struct standing *s)
{
    uint32_t tasks = 0;
    for (size_t i = 0; i < s->count; i++)
        tasks += i == 0 || s->choices[i].move.task != s->choices[i - 1].move.task;
    p->choices += s->count > 1;
    if (tasks > p->tasks_at_once)
        p->tasks_at_once = tasks;
}

void profile_moved(struct profile *p, const struct act *act)
{
    struct profile_task *task = at(p, act->move.task);
    task->is_known = true;
    if (act->is_parking)
        return;
    task->moves++;
    p->moves++;
    if (act->born) {
        struct profile_task *child = at(p, act->born);
        child->is_known = true;
        child->parent = act->move.task;
    }
}

void profile_merge(struct profile *p, const struct profile *run)
{
    for (size_t i = 0; i < run->tasks_count; i++) {
        const struct profile_task *from = &run->tasks[i];
        struct profile_task *to = at(p, (uint16_t)i);
        if (!from->is_known)
            continue;
        if (from->moves > to->moves)
            to->moves = from->moves;
        to->parent = from->parent;
        to->is_known = true;
    }
    if (run->moves > p->moves)
        p->moves = run->moves;
    if (run->choices > p->choices)
        p->choices = run->choices;
    if (run->tasks_at_once > p->tasks_at_once)
        p->tasks_at_once = run->tasks_at_once;
}

/* A child's index is greater than its maker's: names come up in order of birth. */
uint32_t profile_weight(const struct profile *p, uint16_t task)
{
    if (task >= p->tasks_count)
        return 0;
    uint32_t weight = p->tasks[task].moves;
    for (size_t i = (size_t)task + 1; i < p->tasks_count; i++)
        if (p->tasks[i].is_known && p->tasks[i].parent == task)
            weight += profile_weight(p, (uint16_t)i);
    return weight;
}
