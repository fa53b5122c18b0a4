/* What stands where in the graph: between stage_graph.c, which places and draws the boxes, and
 * stage_wiring.c, which joins them. */
#ifndef IPCLAB_UI_STAGE_GRAPH_H
#define IPCLAB_UI_STAGE_GRAPH_H

#include "ui/stage.h"

enum { PROCS_MOST = 8, CHANNELS_MOST = 8 };

struct plan {
    const struct stage *stage;
    const struct model *m;
    struct grid *g;
    struct area at;
    struct wait *waits;
    size_t wait_count;
    uint32_t mover;                /* the process whose moment it is */
    int moved_fd;                  /* the descriptor that it used; -1 */
    struct area procs[PROCS_MOST]; /* even ones left of the channels, odd ones right */
    size_t proc_count;
    uint32_t channels[CHANNELS_MOST]; /* objects */
    struct area channel_areas[CHANNELS_MOST];
    size_t channel_count;
    size_t channel_left_out;
    int gap; /* columns between a process and a channel */
};

/* A wire from each descriptor that holds an end of a channel. */
void graph_draw_wires(const struct plan *p);

#endif
