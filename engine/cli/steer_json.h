/* What `ipclab steer` says and hears: docs/steer-json.md is the contract. */
#ifndef IPCLAB_CLI_STEER_JSON_H
#define IPCLAB_CLI_STEER_JSON_H

#include "run/steer.h"
#include "script/lab.h"

/* ---- steer_json.c: one object a line, on standard output, at once ---- */

void steer_say_hello(const struct lab *lab, const struct lab_variant *variant);
void steer_say_run(unsigned run, const char *recording, uint32_t replays);
void steer_say_moved(const struct steer_move *move);
/* goals: one of each of the variant's goals, in the order of the hello line. */
void steer_say_state(const struct steer_state *state, const bool *goals, size_t goal_count);
void steer_say_ended(const struct steer_ending *ending, const bool *goals, size_t goal_count);
/* type: "error", "differs". */
void steer_say_text(const char *type, const char *text);

/* ---- steer_orders.c: one order a line, from standard input ---- */

struct steer_input {
    struct buf text; /* read, and not used yet */
    bool is_over;
};

/* The next order that can be obeyed; what cannot is answered with an error line each. The end of
 * the input, or a signal that ends the program, is STEER_QUIT. choices and step: as in struct
 * steer_partner. */
void steer_read_order(struct steer_input *in, size_t choices, uint32_t step,
                      struct steer_order *out);

#endif
