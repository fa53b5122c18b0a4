/* What a recording says, for people and for programs. One file per format.
 *
 * Exporters only read: recording, model, findings, source lines. */
#ifndef IPCLAB_EXPORT_EXPORT_H
#define IPCLAB_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "diagnose/finding.h"
#include "model/model.h"
#include "source/source.h"
#include "trace/recording.h"

struct export_input {
    const struct recording *recording;
    const struct diagnosis *diagnosis; /* extended to the end */
    struct source *source;
};

struct export_text_options {
    bool has_events; /* every event, a line each */
    bool is_short;   /* findings only */
    bool is_ascii;
};

/* Readable without colour: how it ended, processes, what went through which pipe, findings with
 * evidence. */
void export_text(FILE *out, const struct export_input *in,
                 const struct export_text_options *options);

/* docs/trace-json.md: one object, events last, so that a reader may stop early. */
void export_json(FILE *out, const struct export_input *in);

/* ---- what both need: facts folded over the whole recording ---- */

/* Whose each event is: one process index for each event id, MODEL_NONE where it is not known. The
 * caller frees. */
uint32_t *export_event_procs(const struct recording *rec);

/* Bytes that went from one process to another through one object. MODEL_NONE: from or to the
 * outside, or content that is not known. */
struct transfer {
    uint32_t object, from_proc, to_proc;
    uint64_t bytes;
};
/* procs as from export_event_procs. The caller frees *out. */
size_t export_transfers(const struct recording *rec, const uint32_t *procs, struct transfer **out);

#endif
