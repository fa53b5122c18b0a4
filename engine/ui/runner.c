#include "ui/runner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "ui/keymap.h"
#include "ui/screen.h"
#include "ui/ui.h"

/* Milliseconds between looks at a growing recording, between two moments that are played, between
 * two steps of the spinner. None of them runs while nothing is live. */
enum { LIVE_MS = 40, PLAY_MS = 140, GRADE_MS = 120, EMPTY_READS_MOST = 64 };

static const struct view *const views[] = {
#define X(NAME, name) [SCREEN_##NAME] = &view_##name,
    SCREENS(X)
#undef X
};

static void *state_of(struct runner *r, enum screen_id screen)
{
    switch (screen) {
    case SCREEN_HOME: return &r->home;
    case SCREEN_LESSON: return &r->lesson;
    case SCREEN_STAGE: return &r->stage;
    case SCREEN_STEER: return &r->scheduler;
    case SCREEN_EXERCISE: return &r->exercise;
    default: return &r->help;
    }
}

static enum screen_id shown(const struct runner *r)
{
    return r->screens[r->depth - 1];
}

static const char *name_of(enum screen_id screen)
{
    static const char *const names[] = {
#define X(NAME, name) [SCREEN_##NAME] = #name,
        SCREENS(X)
#undef X
    };
    return names[screen];
}

/* ---- going from screen to screen ---- */

/* Where the learner is in the lab: the topmost screen that is about it. */
static void remember_place(struct runner *r)
{
    for (size_t i = r->depth; i-- > 0;)
        if (r->screens[i] != SCREEN_HOME && r->screens[i] != SCREEN_HELP &&
            r->screens[i] != SCREEN_STEER) {
            job_remember_place(r, name_of(r->screens[i]));
            return;
        }
}

static void leave(struct runner *r)
{
    if (r->depth > 1 && r->screens[r->depth - 2] == SCREEN_HOME)
        remember_place(r);
    if (shown(r) == SCREEN_STAGE)
        job_run_stop(r);
    else if (shown(r) == SCREEN_STEER)
        job_steer_stop(r);
    else if (shown(r) == SCREEN_EXERCISE)
        job_grade_stop(r);
    if (r->depth == 1)
        r->is_over = true;
    else
        r->depth--;
}

/* Shows a screen: goes back to it where it lies below, else puts it on top. */
static void show(struct runner *r, enum screen_id screen)
{
    for (size_t i = 0; i < r->depth; i++)
        if (r->screens[i] == screen) {
            while (r->depth > i + 1)
                leave(r);
            return;
        }
    r->screens[r->depth++] = screen;
}

static void show_lesson(struct runner *r)
{
    job_remember_read(r);
    if (r->lesson.answer != LESSON_NONE)
        lesson_show_question(&r->lesson);
    show(r, SCREEN_LESSON);
}

static void show_exercise(struct runner *r)
{
    show(r, SCREEN_EXERCISE);
    if (job_take_exercise(r) == 0 && !r->verdict)
        job_grade(r);
}

static void show_evidence(struct runner *r)
{
    struct err e = {0};
    struct evidence evidence;
    if (!exercise_evidence(&r->exercise, &evidence))
        return;
    char *title = xasprintf("%s  your program", r->lab->name);
    if (job_open(r, evidence.recording, title, evidence.seq, &e) == 0) {
        r->stage.note = evidence.text;
        r->stage.note_seq = r->stage.seq;
        show(r, SCREEN_STAGE);
    } else {
        snprintf(r->exercise_trouble, sizeof r->exercise_trouble, "%s", e.text);
        r->exercise.trouble = r->exercise_trouble;
    }
    free(title);
}

/* ---- signals ---- */

static void take_signals(struct runner *r)
{
    struct signalfd_siginfo info;
    while (read(r->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGWINCH) {
            screen_resize();
            r->is_dirty = true;
        } else if (info.ssi_signo != SIGCHLD) {
            r->ended_by = (int)info.ssi_signo;
            r->is_over = true;
        }
    }
}

static bool is_over_now(void *arg)
{
    struct runner *r = arg;
    struct signalfd_siginfo info;
    while (read(r->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP) {
            r->ended_by = (int)info.ssi_signo;
            r->is_over = true;
        }
    return r->is_over;
}

static void edit(struct runner *r)
{
    const char *editor = r->settings.value[SETTING_EDITOR];
    if (job_take_exercise(r) < 0)
        return;
    char *script = xasprintf("exec %s \"$1\"", editor[0] ? editor : "${VISUAL:-${EDITOR:-vi}}");
    char *arguments[] = {"sh", "-c", script, "sh", r->exercise_path, NULL};
    screen_lend();
    int status = subprocess_foreground(arguments, r->signal_fd, is_over_now, r);
    screen_take_back();
    free(script);
    r->is_dirty = true;
    if (status != 0 && !r->is_over) {
        snprintf(r->exercise_trouble, sizeof r->exercise_trouble,
                 "the editor could not be run, or failed: set EDITOR to the one you like");
        r->exercise.trouble = r->exercise_trouble;
    }
}

/* ---- requests ---- */

static void take_selected_lab(struct runner *r)
{
    if (shown(r) == SCREEN_HOME && home_lab(&r->home))
        job_take_lab(r, home_lab(&r->home));
}

static void serve(struct runner *r, enum request request)
{
    if (request == REQUEST_NONE)
        return;
    r->is_dirty = true;
    switch (request) {
    case REQUEST_BACK: leave(r); break;
    case REQUEST_QUIT: r->is_over = true; break;
    case REQUEST_HELP:
        r->help = (struct help){.about = shown(r)};
        show(r, SCREEN_HELP);
        break;
    case REQUEST_LESSON:
        take_selected_lab(r);
        show_lesson(r);
        break;
    case REQUEST_RUN:
        take_selected_lab(r);
        job_run(r);
        show(r, SCREEN_STAGE);
        break;
    case REQUEST_PREDICT:
        job_predict(r);
        show(r, SCREEN_STAGE);
        break;
    case REQUEST_STEER:
        if (shown(r) == SCREEN_STAGE)
            r->scheduler.stage.variant = r->stage.variant;
        job_steer(r);
        show(r, SCREEN_STEER);
        break;
    case REQUEST_ORDER: job_steer_order(r); break;
    case REQUEST_EXERCISE:
        take_selected_lab(r);
        show_exercise(r);
        break;
    case REQUEST_EDIT: edit(r); break;
    case REQUEST_GRADE: job_grade(r); break;
    case REQUEST_EVIDENCE: show_evidence(r); break;
    default: break;
    }
}

/* Of the marked check. */
static size_t hints_shown(const struct runner *r)
{
    bool has_check = r->verdict && r->exercise.check < r->verdict->check_count;
    return has_check ? r->exercise.hints[r->exercise.check] : 0;
}

static void take_press(struct runner *r, uint32_t press)
{
    const struct view *view = views[shown(r)];
    void *state = state_of(r, shown(r));
    if (view->is_typing && view->is_typing(state)) {
        serve(r, view->type(state, press));
        return;
    }
    enum action action = keymap_action(view->screen, press);
    size_t hints = hints_shown(r);
    if (action == ACTION_PICK)
        serve(r, view->pick(state, press));
    else if (action != ACTION_NONE)
        serve(r, view->act(state, action));
    if (action == ACTION_HINT && hints_shown(r) > hints)
        job_remember_hint(r, r->verdict->checks[r->exercise.check].id, (unsigned)hints + 1);
}

/* ---- the loop ---- */

enum {
    POLL_INPUT,
    POLL_SIGNAL,
    POLL_WATCH,
    POLL_RUN_OUT,
    POLL_RUN_ERR,
    POLL_STEER_OUT,
    POLL_STEER_ERR,
    POLL_GRADE_OUT,
    POLL_GRADE_ERR,
    POLL_COUNT
};

static int timeout_ms(const struct runner *r)
{
    if (r->has_work)
        return 0;
    if (r->run.pid > 0)
        return LIVE_MS;
    if (r->stage.is_playing && shown(r) == SCREEN_STAGE)
        return PLAY_MS;
    return r->grade.pid > 0 ? GRADE_MS : -1;
}

static void take_input(struct runner *r, short revents)
{
    static int empty_reads;
    uint32_t press = 0;
    bool has_press = false;
    if (revents & POLLIN)
        while (!r->is_over && (press = screen_press())) {
            take_press(r, press);
            has_press = true;
        }
    /* A terminal that is gone reports input for ever and has none. */
    empty_reads = has_press || !(revents & POLLIN) ? 0 : empty_reads + 1;
    if (revents & (POLLHUP | POLLERR | POLLNVAL) || empty_reads > EMPTY_READS_MOST)
        r->is_over = true;
}

static void take_time(struct runner *r)
{
    if (r->run.pid > 0) {
        r->stage.tick++;
        r->is_dirty |= shown(r) == SCREEN_STAGE;
    } else if (r->stage.is_playing && shown(r) == SCREEN_STAGE) {
        stage_play(&r->stage);
        r->is_dirty = true;
    }
    if (r->grade.pid > 0) {
        r->exercise.tick++;
        r->is_dirty |= shown(r) == SCREEN_EXERCISE;
    }
}

static void draw(struct runner *r)
{
    struct grid g;
    int width, height;
    screen_size(&width, &height);
    grid_init(&g, width, height, screen_is_ascii());
    views[shown(r)]->draw(state_of(r, shown(r)), &g);
    screen_draw(&g);
    grid_fini(&g);
    r->is_dirty = false;
}

static void turn(struct runner *r)
{
    struct pollfd fds[POLL_COUNT] = {
        [POLL_INPUT] = {.fd = STDIN_FILENO, .events = POLLIN},
        [POLL_SIGNAL] = {.fd = r->signal_fd, .events = POLLIN},
        [POLL_WATCH] = {.fd = r->watch.fd, .events = POLLIN},
        [POLL_RUN_OUT] = {.fd = r->run.out_fd, .events = POLLIN},
        [POLL_RUN_ERR] = {.fd = r->run.err_fd, .events = POLLIN},
        [POLL_STEER_OUT] = {.fd = r->steer.out_fd, .events = POLLIN},
        [POLL_STEER_ERR] = {.fd = r->steer.err_fd, .events = POLLIN},
        [POLL_GRADE_OUT] = {.fd = r->grade.out_fd, .events = POLLIN},
        [POLL_GRADE_ERR] = {.fd = r->grade.err_fd, .events = POLLIN},
    };
    int wait = timeout_ms(r);
    int ready = poll(fds, POLL_COUNT, wait);
    if (ready < 0 && errno != EINTR)
        die("wait for input: %s", strerror(errno));
    take_signals(r);
    if (ready == 0 && wait > 0)
        take_time(r);
    if (ready > 0)
        take_input(r, fds[POLL_INPUT].revents);
    if (watch_step(&r->watch)) {
        job_grade(r);
        r->is_dirty = true;
    }
    r->is_dirty |= job_run_step(r);
    r->is_dirty |= job_steer_step(r);
    r->is_dirty |= job_grade_step(r);
}

static void loop(struct runner *r)
{
    r->is_dirty = true;
    while (!r->is_over) {
        if (r->is_dirty)
            draw(r);
        turn(r);
    }
}

/* ---- beginning and end ---- */

static void runner_init(struct runner *r)
{
    *r = (struct runner){.run_fd = -1, .signal_fd = -1, .watch = {.fd = -1}};
    subprocess_init(&r->run);
    subprocess_init(&r->steer);
    subprocess_init(&r->grade);
    r->home = (struct home){.labs = &r->labs};
    r->stage.finding = SIZE_MAX;
    settings_read(&r->settings, NULL);
}

static void runner_fini(struct runner *r)
{
    job_run_stop(r);
    job_steer_stop(r);
    job_grade_stop(r);
    watch_stop(&r->watch);
    document_free(r->document);
    verdict_free(r->verdict);
    progress_free(r->progress);
    settings_fini(&r->settings);
    buf_fini(&r->judged);
    lab_list_fini(&r->labs);
    free(r->exercise.hints);
    free(r->exercise_path);
    free(r->knobs);
    fd_close(&r->signal_fd);
}

/* Signals arrive as input, not in between. */
static void take_over_signals(struct runner *r, sigset_t *before)
{
    static const int wanted[] = {SIGWINCH, SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        sigaddset(&set, wanted[i]);
    sigprocmask(SIG_BLOCK, &set, before);
    r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (r->signal_fd < 0)
        die("signalfd: %s", strerror(errno));
}

/* The screen is gone: what did not fit on it, or came too late for it. */
static void tell_troubles(const struct runner *r)
{
    for (size_t i = 0; i < r->settings.trouble_count; i++)
        fprintf(stderr, "ipclab: %s\n", r->settings.trouble[i]);
    if (progress_trouble(r->progress))
        fprintf(stderr, "ipclab: %s\n", progress_trouble(r->progress));
}

/* Runs the loop with the screen on top of the stack. */
static int with_screen(struct runner *r, const struct ui_options *options, struct err *e)
{
    sigset_t before;
    bool is_ascii = strcmp(r->settings.value[SETTING_SKIN], "ascii") == 0;
    int rc = screen_open((options && options->is_ascii) || is_ascii, e);
    if (rc == 0) {
        take_over_signals(r, &before);
        loop(r);
        remember_place(r);
        job_run_stop(r);
        job_steer_stop(r);
        job_grade_stop(r);
        screen_close();
        sigprocmask(SIG_SETMASK, &before, NULL);
        tell_troubles(r);
    }
    int ended_by = r->ended_by;
    runner_fini(r);
    if (ended_by) {
        signal(ended_by, SIG_DFL);
        raise(ended_by);
    }
    return rc;
}

static void open_own(struct runner *r)
{
    r->progress = progress_open();
    r->home.progress = r->progress;
    r->home.trouble =
        r->settings.trouble_count ? r->settings.trouble[0] : progress_trouble(r->progress);
}

static void select_lab(struct runner *r, const char *name)
{
    for (size_t i = 0; i < r->labs.count; i++)
        if (strcmp(r->labs.labs[i]->name, name) == 0) {
            r->home.selected = i;
            job_take_lab(r, r->labs.labs[i]);
            show_lesson(r);
        }
}

int ui_main(const struct ui_options *options, struct err *e)
{
    struct runner r;
    runner_init(&r);
    r.root = paths_root(e);
    if (!r.root)
        return -ENOENT;
    int rc = lab_list(&r.labs, r.root, e);
    if (rc < 0)
        return rc;
    open_own(&r);
    r.screens[r.depth++] = SCREEN_HOME;
    if (options && options->lab)
        select_lab(&r, options->lab);
    return with_screen(&r, options, e);
}

int ui_view(const char *path, const struct ui_options *options, struct err *e)
{
    struct runner r;
    runner_init(&r);
    int rc = job_open(&r, path, NULL, 0, e);
    if (rc < 0)
        return rc;
    r.screens[r.depth++] = SCREEN_STAGE;
    return with_screen(&r, options, e);
}
