/* Several runners at once: each starts at the same moment on the same store, adds attempts, and
 * closes and opens it in between. Nothing is lost, nothing is doubled, nothing is left.
 *
 * usage: test_many */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "place.h"
#include "store/store_internal.h"

enum { ROUNDS = 4, EACH = 10, RUNNERS_MOST = 8 };

static void run(const struct place *place, enum store_journal journal, int runner, int start_fd)
{
    char go, lab[32];
    struct err e = {0};
    CHECK(read(start_fd, &go, 1) == 0); /* until everybody is there */
    for (int round = 0; round < ROUNDS; round++) {
        struct store *s = place_open(place, journal, true);
        for (int i = 0; i < EACH; i++) {
            snprintf(lab, sizeof lab, "runner/%d", runner);
            if (place_attempt(s, lab, "fail", &e) < 0 || store_saw(s, "all/one", &e) < 0)
                check_fail(__FILE__, __LINE__, e.text);
        }
        store_close(s);
    }
    _exit(0);
}

static void check_all(const struct place *place, enum store_journal journal, int runners)
{
    struct store *s = place_open(place, journal, true);
    char lab[32];
    for (int i = 0; i < runners; i++) {
        struct store_labs labs;
        snprintf(lab, sizeof lab, "runner/%d", i);
        const struct store_lab *one = place_lab(s, &labs, lab);
        CHECK(one && one->attempts == ROUNDS * EACH);
        store_labs_fini(&labs);
    }
    store_close(s);
    CHECK(place_number(place->db, "SELECT count(*) FROM attempt") == runners * ROUNDS * EACH);
    place_check_whole(place->db);
    place_check_clean(place, false);
}

static void race(int runners, enum store_journal journal)
{
    struct place place;
    pid_t children[RUNNERS_MOST];
    int start[2], status;
    snprintf(check_case, sizeof check_case, "%d runners, %s", runners,
             journal == STORE_JOURNAL_WAL ? "wal" : "rollback");
    place_make(&place);
    CHECK(pipe(start) == 0);
    for (int i = 0; i < runners; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0) {
            close(start[1]);
            run(&place, journal, i, start[0]);
        }
    }
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < runners; i++) {
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    check_all(&place, journal, runners);
    place_remove(&place);
    printf("%s: %d attempts, none lost\n", check_case, runners * ROUNDS * EACH);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    sql_busy_ms = 120000; /* under valgrind, too */
    race(2, STORE_JOURNAL_WAL);
    race(2, STORE_JOURNAL_ROLLBACK);
    race(8, STORE_JOURNAL_WAL);
    race(8, STORE_JOURNAL_ROLLBACK);
    return 0;
}
