#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ui/stage_graph.h"
#include "ui/wires.h"

/* All wires of one side that go to the same end of a channel are a net: they meet on one vertical
 * line in the gap, its lane. Two nets never share a piece of line, so that a wire can be followed
 * without colours: lanes are given out so that, where the row at which one net enters its channel
 * is the row at which another leaves a process, the first turns off nearer to the channel. */

enum { WIRES_MOST = 2 * PROCS_MOST * CHANNELS_MOST, NETS_MOST = 4 * CHANNELS_MOST };

struct wire {
    uint32_t proc;
    size_t net;
    int y; /* where it leaves the process */
    char label[16];
    enum style style;
};

struct net {
    size_t channel; /* in the plan */
    bool is_write, is_left;
    int y;         /* where it enters the channel */
    int low, high; /* rows that its lane covers */
    bool is_straight;
    int lane; /* counted from the channel; -1: none yet */
};

struct wiring {
    struct wire wires[WIRES_MOST];
    size_t wire_count;
    struct net nets[NETS_MOST];
    size_t net_count;
};

/* ---- collecting ---- */

/* A process that waits for ever waits for the other end: those wires are the reason. */
static enum style wire_style(const struct plan *p, uint32_t proc, const struct fd_slot *slot,
                             bool is_write)
{
    uint32_t object = model_file(p->m, slot->file)->object;
    enum style style = is_write ? STYLE_WRITER : STYLE_READER;
    for (size_t i = 0; i < p->wait_count; i++) {
        const struct wait *w = &p->waits[i];
        bool is_this_end = is_write == (w->reason == WAIT_PIPE_FULL);
        if (w->object != object)
            continue;
        if (is_this_end && model_task(p->m, w->task)->proc == proc)
            return STYLE_BLOCKED;
        if (!is_this_end && w->is_hopeless)
            style = STYLE_FINDING;
    }
    return proc == p->mover && slot->fd == p->moved_fd ? STYLE_DATA : style;
}

/* All descriptors of one process that hold one end of one channel make one wire. */
static bool make_wire(const struct plan *p, uint32_t proc, size_t channel, bool is_write,
                      struct wire *out)
{
    const struct fd_slot *slots;
    size_t count = model_fds(p->m, proc, &slots), found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct file *file = model_file(p->m, slots[i].file);
        unsigned mode = file->flags & O_ACCMODE;
        bool is_end = mode == O_RDWR || (mode == O_WRONLY) == is_write;
        if (file->object != p->channels[channel] || !is_end)
            continue;
        if (found++ == 0) {
            snprintf(out->label, sizeof out->label, "%d%c", slots[i].fd, is_write ? 'w' : 'r');
            out->style = wire_style(p, proc, &slots[i], is_write);
        }
    }
    if (found > 1)
        strncat(out->label, "+", sizeof out->label - strlen(out->label) - 1);
    return found > 0;
}

static size_t net_of(const struct plan *p, struct wiring *all, size_t channel, bool is_write,
                     bool is_left)
{
    for (size_t i = 0; i < all->net_count; i++) {
        const struct net *net = &all->nets[i];
        if (net->channel == channel && net->is_write == is_write && net->is_left == is_left)
            return i;
    }
    int y = p->channel_areas[channel].y + (is_write ? 1 : 2);
    all->nets[all->net_count] = (struct net){.channel = channel,
                                             .is_write = is_write,
                                             .is_left = is_left,
                                             .y = y,
                                             .low = y,
                                             .high = y,
                                             .is_straight = true,
                                             .lane = -1};
    return all->net_count++;
}

static bool enters_channel(const struct plan *p, int y)
{
    for (size_t i = 0; i < p->channel_count; i++)
        if (y == p->channel_areas[i].y + 1 || y == p->channel_areas[i].y + 2)
            return true;
    return false;
}

/* The row at which a wire leaves its process: straight to the channel where that is possible, else
 * one at which no channel is entered, else any that is left. used has a bit for each row of the
 * box. */
static int choose_row(const struct plan *p, struct area box, int net_y, uint32_t *used)
{
    int rows = box.height - 2, best = -1, best_rank = 0;
    for (int row = 0; row < rows && row < 32; row++) {
        int y = box.y + 1 + row;
        int rank = *used >> row & 1 ? 1 : y == net_y ? 4 : enters_channel(p, y) ? 2 : 3;
        if (rank > best_rank) {
            best = row;
            best_rank = rank;
        }
    }
    *used |= UINT32_C(1) << best;
    return box.y + 1 + best;
}

static void collect_proc(const struct plan *p, struct wiring *all, uint32_t proc)
{
    struct area box = p->procs[proc];
    uint32_t used = 0;
    for (size_t half = 0; half < 2 * p->channel_count; half++) {
        struct wire *wire = &all->wires[all->wire_count];
        bool is_write = half % 2 == 0;
        if (p->channels[half / 2] >= model_object_count(p->m) ||
            !make_wire(p, proc, half / 2, is_write, wire))
            continue;
        wire->proc = proc;
        wire->net = net_of(p, all, half / 2, is_write, proc % 2 == 0);
        struct net *net = &all->nets[wire->net];
        wire->y = choose_row(p, box, net->y, &used);
        net->low = wire->y < net->low ? wire->y : net->low;
        net->high = wire->y > net->high ? wire->y : net->high;
        net->is_straight &= wire->y == net->y;
        all->wire_count++;
    }
}

/* ---- lanes ---- */

/* Whether `first` must turn off nearer to the channel than `second`. */
static bool comes_before(const struct wiring *all, size_t first, size_t second)
{
    if (first == second || all->nets[first].is_left != all->nets[second].is_left)
        return false;
    for (size_t i = 0; i < all->wire_count; i++)
        if (all->wires[i].net == second && all->wires[i].y == all->nets[first].y)
            return true;
    return false;
}

static bool is_free(const struct wiring *all, size_t index, int lane)
{
    const struct net *net = &all->nets[index];
    for (size_t i = 0; i < all->net_count; i++) {
        const struct net *other = &all->nets[i];
        if (i != index && other->lane == lane && other->is_left == net->is_left &&
            other->low <= net->high && net->low <= other->high)
            return false;
    }
    return true;
}

static void give_lane(struct wiring *all, size_t index, int lanes)
{
    int lane = 0;
    for (size_t i = 0; i < all->net_count; i++)
        if (comes_before(all, i, index) && all->nets[i].lane >= lane)
            lane = all->nets[i].lane + 1;
    while (lane < lanes - 1 && !is_free(all, index, lane))
        lane++;
    all->nets[index].lane = lane < lanes ? lane : lanes - 1;
}

static bool has_open_predecessor(const struct wiring *all, size_t index)
{
    for (size_t i = 0; i < all->net_count; i++)
        if (!all->nets[i].is_straight && all->nets[i].lane < 0 && comes_before(all, i, index))
            return true;
    return false;
}

static void give_lanes(struct wiring *all, int lanes)
{
    for (size_t round = 0; round < all->net_count; round++) {
        size_t next = all->net_count;
        for (size_t i = 0; i < all->net_count; i++) {
            if (all->nets[i].is_straight || all->nets[i].lane >= 0)
                continue;
            /* In a ring of predecessors somebody must begin. */
            if (next == all->net_count || !has_open_predecessor(all, i))
                next = i;
            if (!has_open_predecessor(all, i))
                break;
        }
        if (next < all->net_count)
            give_lane(all, next, lanes);
    }
}

/* ---- drawing ---- */

static void draw_wire(const struct plan *p, const struct wiring *all, const struct wire *wire,
                      struct wires *to)
{
    const struct net *net = &all->nets[wire->net];
    struct area box = p->procs[wire->proc], channel = p->channel_areas[net->channel];
    int length = (int)strlen(wire->label), step = net->is_left ? 1 : -1;
    int near_x = net->is_left ? box.x + box.width : box.x - 1;
    int far_x = net->is_left ? channel.x - 1 : channel.x + channel.width;
    int bend = far_x - step * (1 + net->lane);
    wires_across(to, near_x, wire->y == net->y ? far_x : bend, wire->y, wire->style);
    if (wire->y != net->y) {
        wires_down(to, bend, wire->y, net->y, wire->style);
        wires_across(to, bend, far_x, net->y, wire->style);
    }
    /* The arrow is where the bytes arrive: at the channel, or at its reader. */
    uint32_t arrow = net->is_write == net->is_left ? 0x25b6 : 0x25c0;
    wires_mark(to, net->is_write ? far_x : near_x, net->is_write ? net->y : wire->y, arrow,
               wire->style);
    wires_label(to, net->is_left ? near_x + 1 : near_x - length, wire->y, wire->label, wire->style);
}

void graph_draw_wires(const struct plan *p)
{
    struct wiring all = {0};
    struct wires lines;
    int longest = 2;
    for (uint32_t proc = 0; proc < p->proc_count && proc < model_proc_count(p->m); proc++)
        collect_proc(p, &all, proc);
    for (size_t i = 0; i < all.wire_count; i++) {
        int length = (int)strlen(all.wires[i].label);
        longest = length > longest ? length : longest;
    }
    int lanes = p->gap - longest - 2;
    give_lanes(&all, lanes > 1 ? lanes : 1);
    wires_init(&lines, p->g);
    for (size_t i = 0; i < all.wire_count; i++)
        draw_wire(p, &all, &all.wires[i], &lines);
    wires_draw(&lines, p->g);
    wires_fini(&lines);
}
