/* Every call that changes a file, in five sessions, in both journal modes, with every fault: then
 * the store is opened again, and must be whole, have everything that was acknowledged, and have
 * left nothing lying about.
 *
 * A kill, a power cut, ENOSPC and EIO strike at every call; the other faults at every third, or,
 * with "every", at every call, too.
 *
 * usage: test_crash wal|rollback [SESSION|all [every]] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "check.h"
#include "faults.h"
#include "place.h"
#include "store/store_internal.h"

enum { ACKS_MOST = 16 };

/* Thousands of forks: freed memory that the sanitizer keeps is copied by each of them. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1";
}

/* Shared with the child that is killed. */
static struct shared {
    bool is_acknowledged[ACKS_MOST];
    unsigned failures;
    bool is_open;   /* store_open had succeeded */
    unsigned calls; /* when the session ended by itself */
    bool is_mute;   /* something failed, and said nothing */
} * shared;

static enum store_journal journal;
static bool is_every;
static struct place place, template;

static void acknowledge(int i, int rc, const struct err *e)
{
    if (rc == 0)
        shared->is_acknowledged[i] = true;
    else
        shared->failures++;
    if (rc < 0 && !e->text[0])
        shared->is_mute = true;
}

/* ---- what is prepared before, and survives ---- */

static void prepare_nothing(void)
{
}

static void prepare_history(void)
{
    struct store *s = place_open(&template, journal, true);
    struct err e = {0};
    CHECK(store_saw(s, "old/lab", &e) == 0);
    for (int i = 0; i < 12; i++)
        CHECK(place_attempt(s, "old/lab", i < 11 ? "fail" : "pass", &e) == 0);
    CHECK(store_hinted(s, "old/lab", "eof", 1, &e) == 0);
    store_close(s);
    /* Backups of other days: today's is due, and one of these goes. */
    char *today = place_find(template.backups, "progress-");
    for (int day = 1; day <= 3; day++) {
        char *from = xasprintf("%s/%s", template.backups, today);
        char *to = xasprintf("%s/progress-2020-01-0%d.db", template.backups, day);
        struct buf bytes = {0};
        place_read(&bytes, from);
        place_write(to, bytes.data, bytes.len);
        if (day == 3)
            CHECK(unlink(from) == 0);
        buf_fini(&bytes);
        free(from);
        free(to);
    }
    free(today);
}

/* A page of attempts is overwritten. */
static void prepare_damage(void)
{
    struct buf bytes = {0};
    prepare_history();
    place_read(&bytes, template.db);
    CHECK(bytes.len > 8 * 4096);
    memset(bytes.data + bytes.len - 4096, 0x5a, 4096);
    memset(bytes.data + bytes.len - 3 * 4096, 0x5a, 4096);
    place_write(template.db, bytes.data, bytes.len);
    buf_fini(&bytes);
}

/* ---- sessions ---- */

static struct store *begin(void)
{
    struct store_options options = {.folder = place.store, .journal = journal};
    struct store *s = NULL;
    struct err e = {0};
    int rc = store_open(&s, &options, &e);
    shared->is_open = rc == 0 && !store_is_read_only(s);
    if (rc < 0 && !e.text[0])
        shared->is_mute = true;
    return rc == 0 ? s : NULL;
}

static void session_short(void)
{
    struct store *s = begin();
    struct err e = {0};
    if (s) {
        acknowledge(0, place_attempt(s, "new/0", "fail", &e), &e);
        acknowledge(1, place_attempt(s, "new/1", "pass", &e), &e);
    }
    store_close(s);
}

static void session_long(void)
{
    struct store *s = begin();
    struct err e = {0};
    if (s) {
        acknowledge(0, place_attempt(s, "new/0", "fail", &e), &e);
        acknowledge(1, place_attempt(s, "new/1", "crash", &e), &e);
        acknowledge(2, store_saw(s, "new/2", &e), &e);
        acknowledge(3, store_predicted(s, "new/3", "a", "b", &e), &e);
        acknowledge(4, store_left(s, "new/4", "stage", 17, &e), &e);
        acknowledge(5, store_hinted(s, "new/5", "eof", 2, &e), &e);
        acknowledge(6, store_looked(s, "new/6", true, &e), &e);
    }
    store_close(s);
}

static const char *const next_steps[] = {NULL, "ALTER TABLE lesson ADD COLUMN note TEXT;"
                                               "CREATE TABLE extra(id INTEGER PRIMARY KEY) STRICT"};

static void session_migrate(void)
{
    static const char *steps[2];
    steps[0] = schema_now.steps[0];
    steps[1] = next_steps[1];
    schema_now = (struct schema){2, steps};
    session_short();
}

static void session_reset(void)
{
    struct store *s = begin();
    struct err e = {0};
    char *backup = NULL;
    if (s) {
        acknowledge(0, place_attempt(s, "new/0", "fail", &e), &e);
        acknowledge(ACKS_MOST - 1, store_reset(s, "old/lab", &backup, &e), &e);
        acknowledge(1, place_attempt(s, "new/1", "fail", &e), &e);
    }
    free(backup);
    store_close(s);
}

/* ---- afterwards ---- */

static bool is_known(const struct store_labs *labs, int i)
{
    char name[16];
    snprintf(name, sizeof name, "new/%d", i);
    for (size_t j = 0; j < labs->lab_count; j++) {
        const struct store_lab *lab = &labs->lab[j];
        if (strcmp(lab->lab, name) == 0)
            return lab->attempts + lab->predictions + lab->hints > 0 || lab->first_seen_ms ||
                   lab->left_moment == 17 || lab->solution_ms;
    }
    return false;
}

static void check_acknowledged(const struct store_labs *labs)
{
    for (int i = 0; i < ACKS_MOST - 1; i++)
        if (shared->is_acknowledged[i] && !is_known(labs, i)) {
            char what[64];
            snprintf(what, sizeof what, "record %d was acknowledged, and is lost", i);
            check_fail(__FILE__, __LINE__, what);
        }
}

static unsigned old_attempts(const struct store_labs *labs)
{
    for (size_t i = 0; i < labs->lab_count; i++)
        if (strcmp(labs->lab[i].lab, "old/lab") == 0)
            return labs->lab[i].attempts;
    return 0;
}

static void check_nothing(const struct store_labs *labs)
{
    CHECK(old_attempts(labs) == 0);
}

static void check_history(const struct store_labs *labs)
{
    CHECK(old_attempts(labs) == 12);
}

static void check_migrated(const struct store_labs *labs)
{
    CHECK(old_attempts(labs) == 12);
    char *before = place_find(place.backups, "before-form-2");
    CHECK(before != NULL);
    free(before);
}

static void check_reset(const struct store_labs *labs)
{
    unsigned n = old_attempts(labs);
    CHECK(n == 0 || n == 12);
    CHECK(!shared->is_acknowledged[ACKS_MOST - 1] || n == 0);
    char *kept = place_find(place.backups, "before-reset");
    CHECK(n == 12 || kept != NULL);
    free(kept);
}

/* The damaged file is there as it was found; its readable part and the backup's came over. */
static void check_rescued(const struct store_labs *labs)
{
    struct buf was = {0}, kept = {0};
    char *name = place_find(place.store, ".damaged-");
    char *list = place_list(place.store), *first = strstr(list, ".damaged-");
    CHECK(name != NULL && first != NULL && !strstr(first + 1, ".damaged-"));
    free(list);
    char *path = xasprintf("%s/%s", place.store, name);
    place_read(&was, template.db);
    place_read(&kept, path);
    CHECK(was.len == kept.len && memcmp(was.data, kept.data, was.len) == 0);
    CHECK(old_attempts(labs) == 12);
    buf_fini(&was);
    buf_fini(&kept);
    free(path);
    free(name);
}

static const struct session {
    const char *name;
    void (*prepare)(void);
    void (*play)(void);
    void (*check)(const struct store_labs *labs);
    int version;
    bool has_damaged;
} sessions[] = {
    {"first", prepare_nothing, session_long, check_nothing, 1, false},
    {"later", prepare_history, session_long, check_history, 1, false},
    {"migration", prepare_history, session_migrate, check_migrated, 2, false},
    {"rescue", prepare_damage, session_short, check_rescued, 1, true},
    {"reset", prepare_history, session_reset, check_reset, 1, false},
};

static void check_after(const struct session *session)
{
    static const char *steps[2];
    struct schema now = schema_now;
    struct store_labs labs = {0};
    steps[0] = now.steps[0];
    steps[1] = next_steps[1];
    if (session->version == 2)
        schema_now = (struct schema){2, steps};
    struct store *s = place_open(&place, journal, !session->has_damaged);
    CHECK(!store_is_read_only(s));
    place_lab(s, &labs, "");
    check_acknowledged(&labs);
    session->check(&labs);
    store_labs_fini(&labs);
    struct err e = {0};
    CHECK(place_attempt(s, "after/all", "pass", &e) == 0);
    store_close(s);
    schema_now = now;
    place_check_whole(place.db);
    place_check_clean(&place, session->has_damaged);
}

/* Plays with the fault; returns false once it lies behind the session's last call. */
static bool try_fault(const struct session *session, enum fault fault, unsigned at)
{
    snprintf(check_case, sizeof check_case, "%s, %s, call %u", session->name, fault_names[fault],
             at);
    *shared = (struct shared){0};
    place_copy(&template, &place);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        faults_arm(fault, at);
        session->play();
        shared->calls = faults_calls();
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    CHECK(!shared->is_mute);
    if (fault == FAULT_ENOSPC || fault == FAULT_EIO) /* once: the next one works again */
        CHECK(shared->failures <= 1);
    check_after(session);
    place_empty(&place);
    return WIFSIGNALED(status) || shared->calls >= at;
}

static void try_session(const struct session *session)
{
    unsigned points = 0, last = 0;
    place_empty(&template);
    session->prepare();
    for (enum fault fault = FAULT_NONE; fault < FAULT_COUNT; fault++) {
        unsigned at = 1;
        bool is_needed = fault == FAULT_KILL || fault == FAULT_POWER || fault == FAULT_ENOSPC ||
                         fault == FAULT_EIO;
        unsigned step = is_every || is_needed ? 1 : 3;
        for (; fault != FAULT_NONE && try_fault(session, fault, at); at += step)
            points++;
        if (fault == FAULT_NONE)
            try_fault(session, fault, 1);
        last = fault == FAULT_KILL ? at - 1 : last;
    }
    CHECK(last > 20);
    printf("%-9s %4u calls, %5u faults: 0 corrupt, 0 acknowledged lost, 0 left over\n",
           session->name, last, points);
}

int main(int argc, char **argv)
{
    CHECK(argc >= 2);
    is_every = argc > 3;
    journal = strcmp(argv[1], "wal") == 0 ? STORE_JOURNAL_WAL : STORE_JOURNAL_ROLLBACK;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    place_make(&place);
    place_make(&template);
    for (size_t i = 0; i < sizeof sessions / sizeof *sessions; i++)
        if (argc < 3 || strcmp(argv[2], "all") == 0 || strcmp(argv[2], sessions[i].name) == 0)
            try_session(&sessions[i]);
    place_remove(&place);
    place_remove(&template);
    return 0;
}
