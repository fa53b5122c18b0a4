/* Plays a script of events to a model and checks what the script expects on the way.
 *
 * A line is one half or one point; names stand for tasks (P is 100, each new name the next number):
 *     P start                       the command           P.1 start P [thread vm vfork files ...]
 *     P pipe = 0 3 4                a whole call          P > read 3 10       its entry
 *     P < 5 "hello"                 the exit of P's innermost call
 *     w: P.1 write 4 "hello" = 5    with a label; data may also be x*5000
 *     P asleep | P.1 dying 0 | P.1 ended 0 | P exec | P signal 17 | P has 0 read pipe 77
 *     P signal 17 stopped @P.1      SIGCHLD, and what it tells
 *     ? fill 1 = 5                  expected of the state here
 *     # a remark
 * After every step all invariants are checked by brute force. */
#ifndef TESTS_MODEL_PLAY_H
#define TESTS_MODEL_PLAY_H

#include "model/model.h"
#include "trace/recording.h"

/* Fails the running cmocka test with the line that did not hold. */
void play(const char *title, const char *script);

/* The recording that a script makes. Freed with recording_free. */
struct recording *play_record(const char *script);

/* The same, as a closed file. */
void play_record_to(const char *path, const char *script);

#endif
