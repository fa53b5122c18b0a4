/* The runner's own state: the stack of screens, what each shows, and the children at work. Only
 * runner.c and runner_*.c include this. */
#ifndef IPCLAB_UI_RUNNER_H
#define IPCLAB_UI_RUNNER_H

#include "store/settings.h"
#include "ui/exercise.h"
#include "ui/help.h"
#include "ui/home.h"
#include "ui/lesson.h"
#include "ui/scheduler.h"
#include "ui/stage.h"
#include "ui/subprocess.h"
#include "ui/watch.h"

enum { SCREENS_MOST = 8, JOB_ARGUMENTS_MOST = 80 };

struct runner {
    enum screen_id screens[SCREENS_MOST]; /* the last is shown */
    size_t depth;
    bool is_over;
    bool is_dirty; /* something changed since it was drawn */
    int ended_by;  /* signal; 0 */
    int signal_fd;

    struct lab_list labs;
    struct progress *progress;
    struct settings settings;
    const char *root;
    struct home home;
    struct lesson lesson;
    struct lesson_sizes lesson_sizes;
    struct stage stage;
    struct scheduler scheduler;
    struct exercise exercise;
    struct help help;

    struct document *document; /* of the lesson shown */
    const struct lab *lab;     /* that lesson, stage and exercise are about */

    /* the run on the stage */
    struct subprocess run;
    int run_fd; /* memory that holds its recording; -1 */
    char *run_path;
    bool has_predicted; /* this run is to answer the prediction */
    struct replay *replay;
    size_t *knobs;
    char *stage_title;
    char trouble[512]; /* of the stage */
    bool has_work;     /* the replay has more to list */

    /* the run that is steered */
    struct subprocess steer;
    struct steering steering;
    struct replay *steer_replay; /* of its run number steer_run */
    unsigned steer_run;
    char steer_trouble[512];

    /* the exercise */
    struct subprocess grade;
    struct watch watch;
    struct verdict *verdict;
    char *exercise_path;
    uint64_t asked_ns; /* when the grading under way was asked for */
    struct buf judged; /* the source as it was then */
    bool has_judged;   /* it could be read */
    unsigned grade_number;
    char exercise_trouble[512];
};

/* ---- runner_jobs.c ---- */

/* Arguments for a command about the lab: "ipclab COMMAND PART/LAB --variant V --knob K=V ...". */
struct job_arguments {
    char *list[JOB_ARGUMENTS_MOST]; /* NULL-terminated; there is room for more */
    size_t count;
    char *owned[JOB_ARGUMENTS_MOST];
    size_t owned_count;
};
void job_arguments_init(struct job_arguments *a, const struct runner *r, const char *command,
                        size_t variant);
void job_arguments_fini(struct job_arguments *a);
/* The first line of what a child said on standard error, or how it ended. */
void job_child_trouble(const struct subprocess *c, char *out, size_t size);

/* Starts the selected variant with the selected knobs, and shows nothing yet. */
void job_run(struct runner *r);
/* Runs what the lab's prediction is about. */
void job_predict(struct runner *r);
/* Takes in what the run has done; true when the screen changed. */
bool job_run_step(struct runner *r);
/* Ends the run, forgets its recording. */
void job_run_stop(struct runner *r);
/* Opens a finished recording on the stage. */
int job_open(struct runner *r, const char *path, const char *title, uint32_t seq, struct err *e);

/* ---- runner_steer.c ---- */

/* Starts the variant that the scheduler screen names, its moves chosen by hand. */
void job_steer(struct runner *r);
/* Passes on the scheduler's order. */
void job_steer_order(struct runner *r);
/* Takes in what it has said; true when the screen changed. */
bool job_steer_step(struct runner *r);
void job_steer_stop(struct runner *r);

/* ---- runner_jobs.c, again ---- */

void job_grade(struct runner *r);
bool job_grade_step(struct runner *r);
void job_grade_stop(struct runner *r);

/* Makes lab the one that lesson, stage and exercise are about. */
void job_take_lab(struct runner *r, const struct lab *lab);
/* The learner's file, watched from now on. -errno when there is none. */
int job_take_exercise(struct runner *r);

/* What is kept as progress. */
void job_remember_read(struct runner *r);
void job_remember_place(struct runner *r, const char *screen);
void job_remember_hint(struct runner *r, const char *check, unsigned number);

#endif
