/* Recordings made by hand, for views to be tested without running anything: the pipe-eof lab as it
 * happens, P writing and P.1 reading while it holds the write end itself. */
#ifndef IPCLAB_TESTS_UI_SCENE_H
#define IPCLAB_TESTS_UI_SCENE_H

#include "ui/replay.h"

/* Pids of its processes. */
enum { SCENE_P = 100, SCENE_P1 = 101 };

/* A replay of the recording, all of it listed. is_whole: up to where nobody can move any more; else
 * it stops, live, after the first write. The caller frees with replay_free(). */
struct replay *scene_pipe_eof(bool is_whole);

/* So many processes, each a child of the first, alive and asleep in pause. */
struct replay *scene_children(unsigned count);

#endif
