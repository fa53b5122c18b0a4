/* The stage: one moment of a recording, and the ways to other moments.
 *
 * At the top the title, then one of four pictures of the same state (graph, tree, sequence,
 * descriptors), the finding, the timeline, the list of events beside the source, and the keys.
 * Where things stand depends on the recording and on the size of the screen, not on the moment:
 * moving in time moves nothing but what has changed. */
#ifndef IPCLAB_UI_STAGE_H
#define IPCLAB_UI_STAGE_H

#include "script/lab.h"
#include "ui/replay.h"
#include "ui/view.h"

/* X(NAME, name): the pictures; each is a struct picture in a file stage_<name>.c. */
#define PICTURES(X) X(GRAPH, graph) X(TREE, tree) X(SEQUENCE, sequence) X(DESCRIPTORS, descriptors)

enum picture_id {
#define X(NAME, name) PICTURE_##NAME,
    PICTURES(X)
#undef X
        PICTURE_COUNT
};

struct stage {
    /* set by the runner */
    struct replay *replay; /* NULL: nothing was recorded yet */
    const struct lab *lab; /* NULL: a recording that belongs to no lab */
    const char *title;     /* lab, or the command */
    size_t variant;        /* index into lab->variants: what runs; VARIANT asks for the next */
    size_t *knobs;         /* for each knob of the lab, index of its value; NULL: none */
    const char *trouble;   /* NULL, or why there is nothing to see */
    const char *note;      /* NULL, or what is to be seen at note_seq: why one came here */
    uint32_t note_seq;
    uint32_t tick; /* moves on with time while the run is live: the spinner */
    /* moved by keys */
    uint32_t seq;      /* the moment */
    bool is_following; /* the moment is the last one, and stays so while the run grows */
    bool is_playing;
    bool shows_all; /* quiet moments, too */
    enum picture_id picture;
    size_t finding;  /* chosen by keys; SIZE_MAX: the one that fits the moment */
    bool is_turning; /* the knob panel is open */
    bool is_steered; /* a run whose moves are chosen: who is not asleep is held before its call */
    size_t knob;     /* row of it */
};

/* A rectangle of the grid. */
struct area {
    int x, y, width, height;
};

struct picture {
    enum action action; /* that shows it */
    void (*draw)(const struct stage *s, const struct model *m, struct grid *g, struct area at);
};

extern const struct picture picture_graph, picture_tree, picture_sequence, picture_descriptors;

/* For screens that show the pictures, too: the picture of s->seq; and the key that changes it,
 * false when `action` does not. */
void stage_draw_picture(const struct stage *s, struct grid *g, struct area at);
bool stage_take_picture(struct stage *s, enum action action);

/* Puts the stage at a moment, or (seq 0) at the end. */
void stage_go(struct stage *s, uint32_t seq);
/* More was listed: keeps following. True when what is on the screen changed. */
bool stage_grown(struct stage *s);
/* One moment on while playing; false when it was the last (then playing ends). */
bool stage_play(struct stage *s);
/* The finding shown at this moment; NULL when there is none. *index, if not NULL, gets its number.
 */
const struct finding *stage_finding(const struct stage *s, size_t *index);

/* Parts of the stage, each in a file of its own. */
void stage_draw_events(const struct stage *s, const struct model *m, struct grid *g,
                       struct area at);
void stage_draw_source(const struct stage *s, struct grid *g, struct area at);
void stage_draw_source_line(const struct stage *s, struct grid *g, struct area at);
void stage_draw_timeline(const struct stage *s, struct grid *g, struct area at);
void stage_draw_finding(const struct stage *s, struct grid *g, struct area at);
void stage_draw_knobs(const struct stage *s, struct grid *g, struct area at);

/* What a process is doing, as one says it: glyph, style and words. */
struct posture {
    const char *glyph;
    enum style style;
    char text[96];    /* "blocked in read(3, ...)", "zombie: exited 0" */
    struct wait wait; /* valid when is_blocked */
    bool is_blocked;
    bool is_gone; /* reaped */
};
void stage_posture(const struct stage *s, const struct model *m, uint32_t proc,
                   const struct wait *waits, size_t wait_count, struct posture *out);

/* "3r", "4w", "5": a descriptor and, of pipes and FIFOs, its end. Returns the style it is shown in.
 */
enum style stage_fd_text(const struct model *m, const struct fd_slot *slot, char *out, size_t size);

/* What happened at a moment, in one line. Appended. */
void stage_moment_text(const struct stage *s, const struct moment *moment, struct buf *out);

/* Draws a call that may be too long for its place: what it returned stays, its middle goes. */
void stage_draw_call(struct grid *g, int x, int y, enum style style, int most, const char *text);

/* The source line of an event; false when none is known. */
bool stage_line(const struct stage *s, const struct event *ev, struct source_line *out);

/* All waits of a moment; of a steered run only those of tasks that are asleep. The caller frees
 * *out. */
size_t stage_waits(const struct stage *s, const struct model *m, struct wait **out);

/* A pipe or FIFO of the run's own. */
bool stage_is_channel(const struct model *m, uint32_t object);

#endif
