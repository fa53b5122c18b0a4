#include "programs.h"

#include <string.h>

#include "base/random.h"

void program_add(struct sim_program *p, int task, enum sim_op_kind kind, int object, int n)
{
    int i = 0;
    while (p->ops[task][i].kind != SIM_END)
        i++;
    p->ops[task][i] = (struct sim_op){(uint8_t)kind, (uint8_t)object, (uint8_t)n};
}

struct sim_program program_writers(int writers, int records, int capacity)
{
    struct sim_program p = {.name = "writers", .task_count = (uint8_t)(writers + 1)};
    p.capacity[0] = (uint8_t)capacity;
    for (int t = 0; t < writers; t++) {
        p.write_ends[t] = 1;
        for (int i = 0; i < records; i++)
            program_add(&p, t, SIM_WRITE, 0, 1);
    }
    p.read_ends[writers] = 1;
    for (int i = 0; i < writers * records; i++)
        program_add(&p, writers, SIM_READ, 0, 1);
    return p;
}

struct sim_program program_lock(int n)
{
    struct sim_program p = {.name = "lock", .task_count = (uint8_t)n};
    for (int t = 0; t < n; t++) {
        for (int i = 0; i < 4; i++)
            program_add(&p, t, SIM_LOCAL, 0, 0);
        program_add(&p, t, SIM_LOCK, 0, 0);
        program_add(&p, t, SIM_LOAD, 0, 0);
        program_add(&p, t, SIM_STORE, 0, 0);
        program_add(&p, t, SIM_UNLOCK, 0, 0);
        program_add(&p, t, SIM_LOCAL, 0, 0);
    }
    return p;
}

struct sim_program program_dining(int n)
{
    struct sim_program p = {.name = "dining", .task_count = (uint8_t)n};
    for (int t = 0; t < n; t++) {
        program_add(&p, t, SIM_LOCK, t, 0);
        program_add(&p, t, SIM_LOCK, (t + 1) % n, 0);
        program_add(&p, t, SIM_UNLOCK, (t + 1) % n, 0);
        program_add(&p, t, SIM_UNLOCK, t, 0);
    }
    return p;
}

/* ---- random programs ---- */

/* Blocking ones come often: deadlocks are classes, too. */
static const uint8_t choices[] = {
    SIM_READ,    SIM_READ, SIM_WRITE, SIM_WRITE, SIM_READ_NB, SIM_WRITE_NB, SIM_POLL,  SIM_CLOSE_R,
    SIM_CLOSE_W, SIM_ADD,  SIM_TAKE,  SIM_LOCK,  SIM_LOAD,    SIM_STORE,    SIM_LOCAL,
};

static int pick(uint64_t *seed, int limit)
{
    return (int)random_below(seed, (uint64_t)limit);
}

static void add_random(struct sim_program *p, uint64_t *seed, int task, int family)
{
    uint8_t kind = choices[pick(seed, sizeof choices)];
    bool is_pipe = kind <= SIM_CLOSE_W && kind >= SIM_READ;
    if (family == 0 && !is_pipe)
        kind = SIM_WRITE;
    int object = pick(seed, 2), n = 1 + pick(seed, 2);
    if (kind == SIM_READ || kind == SIM_READ_NB)
        n += pick(seed, 2);
    program_add(p, task, (enum sim_op_kind)kind, is_pipe ? pick(seed, 1 + family % 2) : object, n);
    if (kind == SIM_LOCK) {
        program_add(p, task, pick(seed, 2) ? SIM_STORE : SIM_LOAD, object, 0);
        if (pick(seed, 8))
            program_add(p, task, SIM_UNLOCK, object, 0);
    }
}

/* Who uses an end of a pipe holds it; some hold one that they do not use. */
static void hand_out_ends(struct sim_program *p, uint64_t *seed)
{
    for (int t = 0; t < p->task_count; t++) {
        for (int i = 0; p->ops[t][i].kind != SIM_END; i++) {
            const struct sim_op *op = &p->ops[t][i];
            if (op->kind == SIM_READ || op->kind == SIM_READ_NB || op->kind == SIM_CLOSE_R)
                p->read_ends[t] |= (uint8_t)(1 << op->object);
            if (op->kind == SIM_WRITE || op->kind == SIM_WRITE_NB || op->kind == SIM_CLOSE_W ||
                op->kind == SIM_POLL)
                p->write_ends[t] |= (uint8_t)(1 << op->object);
        }
        if (pick(seed, 6) == 0)
            p->read_ends[t] |= 1;
    }
}

/* Nobody uses an end that it has closed. */
static void drop_after_close(struct sim_program *p)
{
    for (int t = 0; t < p->task_count; t++)
        for (int i = 0; p->ops[t][i].kind != SIM_END; i++) {
            const struct sim_op close = p->ops[t][i];
            if (close.kind != SIM_CLOSE_R && close.kind != SIM_CLOSE_W)
                continue;
            bool of_readers = close.kind == SIM_CLOSE_R;
            for (int k = i + 1; p->ops[t][k].kind != SIM_END; k++) {
                struct sim_op *op = &p->ops[t][k];
                bool reads =
                    op->kind == SIM_READ || op->kind == SIM_READ_NB || op->kind == SIM_CLOSE_R;
                bool writes = op->kind == SIM_WRITE || op->kind == SIM_WRITE_NB ||
                              op->kind == SIM_CLOSE_W || op->kind == SIM_POLL;
                if (op->object == close.object && (of_readers ? reads : writes))
                    op->kind = SIM_LOCAL;
            }
        }
}

/* The first task forks the others and waits for them. */
static void make_family(struct sim_program *p, uint64_t *seed)
{
    struct sim_op tail[SIM_OPS];
    memcpy(tail, p->ops[0], sizeof tail);
    memset(p->ops[0], 0, sizeof p->ops[0]);
    for (int t = 1; t < p->task_count; t++)
        program_add(p, 0, SIM_FORK, t, 0);
    int waits = pick(seed, p->task_count);
    for (int i = 0; tail[i].kind != SIM_END && i < 2; i++)
        program_add(p, 0, (enum sim_op_kind)tail[i].kind, tail[i].object, tail[i].n);
    for (int i = 0; i < waits; i++)
        program_add(p, 0, SIM_WAIT, 0, 0);
}

/* One task sends a signal; the first handles it, and may wait for it. */
static void add_signals(struct sim_program *p, uint64_t *seed)
{
    program_add(p, p->task_count - 1, SIM_SEND, 0, 0);
    if (pick(seed, 2))
        program_add(p, 0, SIM_SKIP_IF_SIGNALLED, 0, 0);
    if (pick(seed, 3))
        program_add(p, 0, SIM_PAUSE, 0, 0);
    program_add(p, 0, SIM_LOCAL, 0, 0);
}

struct sim_program program_random(uint64_t seed)
{
    seed = seed * 0x2545f4914f6cdd1du + 1;
    struct sim_program p = {.name = "random"};
    int family = pick(&seed, 5);
    p.task_count = (uint8_t)(2 + pick(&seed, 3));
    for (int i = 0; i < SIM_PIPES; i++)
        p.capacity[i] = (uint8_t)(2 + pick(&seed, 3));
    for (int i = 0; i < SIM_OBJECTS; i++)
        p.level[i] = (uint8_t)pick(&seed, 3);
    for (int t = 0; t < p.task_count; t++)
        for (int i = 1 + pick(&seed, p.task_count > 3 ? 2 : 4); i > 0; i--)
            add_random(&p, &seed, t, family);
    if (family == 3)
        make_family(&p, &seed);
    if (family == 4)
        add_signals(&p, &seed);
    hand_out_ends(&p, &seed);
    drop_after_close(&p);
    return p;
}
