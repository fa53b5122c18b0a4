#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/paths.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "script/lab.h"

static const char help[] = "ipclab progress [--json]\n"
                           "Tells what you have done: lessons, predictions, exercises.\n\n"
                           "      --json        as JSON (docs/progress.md)\n";

/* ---- as text ---- */

/* The day, where the reader lives. */
static const char *day(int64_t ms, char out[16])
{
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);
    strcpy(out, "-");
    if (ms > 0 && localtime_r(&seconds, &tm))
        strftime(out, 16, "%Y-%m-%d", &tm);
    return out;
}

static void put_exercise(const struct store_lab *lab, struct buf *out)
{
    char when[16];
    if (lab->passes)
        buf_printf(out, "passed %s, ", day(lab->first_pass_ms, when));
    if (lab->attempts)
        buf_printf(out, "%u attempt%s", lab->attempts, lab->attempts == 1 ? "" : "s");
    else
        buf_puts(out, "-");
    if (!lab->passes && lab->attempts)
        buf_printf(out, ", the last: %s", lab->last_verdict);
    if (lab->hints)
        buf_printf(out, ", %u hint%s", lab->hints, lab->hints == 1 ? "" : "s");
    if (lab->solution_ms)
        buf_printf(out, ", solution seen%s", lab->is_solution_earned ? "" : " early");
}

static void print_row(const char *name, const struct store_lab *lab)
{
    char seen[16], predicted[32] = "-";
    struct buf exercise = {0};
    if (lab->predictions)
        snprintf(predicted, sizeof predicted, "%u of %u", lab->predictions_right, lab->predictions);
    put_exercise(lab, &exercise);
    printf("  %-18s %-10s  %-9s  %s\n", name, day(lab->first_seen_ms, seen), predicted,
           exercise.data);
    buf_fini(&exercise);
}

static const struct store_lab *known(const struct store_labs *labs, const char *name)
{
    for (size_t i = 0; i < labs->lab_count; i++)
        if (strcmp(labs->lab[i].lab, name) == 0)
            return &labs->lab[i];
    return NULL;
}

static void print_lab(const char *name, const struct store_labs *labs, char **part)
{
    static const struct store_lab nothing;
    const struct store_lab *lab = known(labs, name);
    const char *slash = strchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;
    if (!*part || strlen(*part) != length || strncmp(*part, name, length) != 0) {
        free(*part);
        *part = xasprintf("%.*s", (int)length, name);
        printf("%s\n", *part);
    }
    print_row(slash ? slash + 1 : name, lab ? lab : &nothing);
}

/* Labs in their order, then those that are known from elsewhere. */
static char **names_of(const struct store_labs *labs, size_t *count)
{
    struct lab_list list = {0};
    const char *root = paths_root(NULL);
    size_t n = 0;
    if (root && lab_list(&list, root, NULL) < 0)
        list = (struct lab_list){0};
    char **names = xcalloc(list.count + labs->lab_count + 1, sizeof *names);
    for (size_t i = 0; i < list.count; i++)
        names[n++] = xasprintf("%s/%s", list.labs[i]->part, list.labs[i]->name);
    for (size_t i = 0; i < labs->lab_count; i++) {
        bool is_there = false;
        for (size_t j = 0; j < n && !is_there; j++)
            is_there = strcmp(names[j], labs->lab[i].lab) == 0;
        if (!is_there)
            names[n++] = xstrdup(labs->lab[i].lab);
    }
    if (list.labs)
        lab_list_fini(&list);
    *count = n;
    return names;
}

static const struct store_lab *last_left(const struct store_labs *labs)
{
    const struct store_lab *last = NULL;
    for (size_t i = 0; i < labs->lab_count; i++)
        if (labs->lab[i].left_ms > (last ? last->left_ms : 0))
            last = &labs->lab[i];
    return last;
}

static void print_text(const struct store_labs *labs)
{
    size_t count, passed = 0;
    char **names = names_of(labs, &count), *part = NULL;
    const struct store_lab *last = last_left(labs);
    printf("  %-18s %-10s  %-9s  %s\n", "lab", "lesson", "predicted", "exercise");
    for (size_t i = 0; i < count; i++) {
        const struct store_lab *lab = known(labs, names[i]);
        print_lab(names[i], labs, &part);
        passed += lab && lab->passes > 0;
        free(names[i]);
    }
    printf("\n%zu of %zu exercises passed", passed, count);
    if (last)
        printf("; you left %s at the %s", last->lab, last->left_screen);
    putchar('\n');
    free(part);
    free(names);
}

/* ---- as JSON ---- */

static void put_time(cJSON *object, const char *name, int64_t ms)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);
    if (ms <= 0 || !gmtime_r(&seconds, &tm))
        return;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    cJSON_AddStringToObject(object, name, text);
}

static cJSON *lab_json(const struct store_lab *lab)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "lab", lab->lab);
    put_time(o, "seen", lab->first_seen_ms);
    put_time(o, "seen_last", lab->last_seen_ms);
    if (lab->left_ms) {
        cJSON *left = cJSON_AddObjectToObject(o, "left");
        put_time(left, "at", lab->left_ms);
        cJSON_AddStringToObject(left, "screen", lab->left_screen);
        cJSON_AddNumberToObject(left, "moment", lab->left_moment);
    }
    cJSON_AddNumberToObject(o, "predictions", lab->predictions);
    cJSON_AddNumberToObject(o, "predictions_right", lab->predictions_right);
    cJSON_AddNumberToObject(o, "attempts", lab->attempts);
    cJSON_AddNumberToObject(o, "passes", lab->passes);
    put_time(o, "passed", lab->first_pass_ms);
    put_time(o, "attempt_last", lab->last_attempt_ms);
    cJSON_AddStringToObject(o, "verdict_last", lab->last_verdict);
    cJSON_AddNumberToObject(o, "hints", lab->hints);
    put_time(o, "solution", lab->solution_ms);
    if (lab->solution_ms)
        cJSON_AddBoolToObject(o, "solution_earned", lab->is_solution_earned);
    return o;
}

static void print_json(const struct store_labs *labs, const char *path)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format", 1);
    cJSON_AddStringToObject(root, "database", path);
    cJSON *list = cJSON_AddArrayToObject(root, "labs");
    for (size_t i = 0; i < labs->lab_count; i++)
        cJSON_AddItemToArray(list, lab_json(&labs->lab[i]));
    char *text = cJSON_Print(root);
    puts(text);
    cJSON_free(text);
    cJSON_Delete(root);
}

int cmd_progress(int argc, char **argv)
{
    bool is_json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return STATUS_OK;
    }
    if (argc > 1 && !is_json)
        return cli_usage("progress", "takes --json or nothing, not '%s'", argv[1]);
    struct err e = {0};
    struct store *store = NULL;
    struct store_labs labs = {0};
    int rc = cli_store(&store, &e);
    if (rc == 0)
        rc = store_labs(store, &labs, &e);
    if (rc == 0 && is_json)
        print_json(&labs, store_path(store));
    else if (rc == 0)
        print_text(&labs);
    if (rc == 0 && fflush(stdout) != 0)
        rc = err_sys(&e, errno, "write the report");
    store_labs_fini(&labs);
    store_close(store);
    return rc < 0 ? cli_error(&e) : STATUS_OK;
}
