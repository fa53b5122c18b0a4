#include "control/fault.h"

#include <errno.h>
#include <signal.h>

enum needs { NEEDS_NOTHING, NEEDS_STREAM, NEEDS_FILE, NEEDS_HANDLER, NEEDS_ANY_HANDLER };

static const struct row {
    enum call call;
    enum fault_kind kind;
    int value;
    enum needs needs;
} rows[] = {
#define FAULT(call, kind, value, needs) {CALL_##call, FAULT_##kind, value, NEEDS_##needs},
#include "control/fault.def"
#undef FAULT
};

static const char *const words[] = {
#define X(NAME, word) word,
    FAULT_KINDS(X)
#undef X
};

const char *fault_word(enum fault_kind kind)
{
    return kind < FAULT_KIND_COUNT ? words[kind] : "?";
}

enum step_fault fault_step(enum fault_kind kind)
{
    static const enum step_fault steps[] = {
        [FAULT_ERROR] = STEP_FAULT_ERROR,   [FAULT_SHORT] = STEP_FAULT_SHORT,
        [FAULT_SIGNAL] = STEP_FAULT_SIGNAL, [FAULT_SMALL] = STEP_FAULT_SMALL_PIPE,
        [FAULT_KILL] = STEP_FAULT_KILL,     [FAULT_KILL_AFTER] = STEP_FAULT_KILL_AFTER,
    };
    return kind < FAULT_KIND_COUNT ? steps[kind] : STEP_NO_FAULT;
}

static int harmless_signal(uint64_t set)
{
    static const int signals[] = {SIGCHLD, SIGWINCH, SIGCONT, SIGURG};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (set >> (signals[i] - 1) & 1)
            return signals[i];
    return 0;
}

/* The value of the fault; 0: not legal here. */
static int64_t value_for(const struct row *row, const struct fault_facts *facts)
{
    switch (row->needs) {
    case NEEDS_NOTHING: return row->value;
    case NEEDS_STREAM: return facts->is_stream && facts->size > 1 ? row->value : 0;
    case NEEDS_FILE: return facts->is_file ? row->value : 0;
    case NEEDS_HANDLER: return harmless_signal(facts->interrupting);
    case NEEDS_ANY_HANDLER: return harmless_signal(facts->handled);
    }
    return 0;
}

size_t fault_list(const struct fault_facts *facts, struct fault out[FAULTS_PER_CALL])
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && count < FAULTS_PER_CALL - 1; i++) {
        if (rows[i].call != facts->call)
            continue;
        int64_t value = value_for(&rows[i], facts);
        if (value)
            out[count++] = (struct fault){.kind = (uint8_t)rows[i].kind, .value = value};
    }
    if (facts->is_child)
        out[count++] = (struct fault){.kind = FAULT_KILL};
    return count;
}
