/* wrong: descriptor-left — forgets the read end when a pipe cannot be made. */
#define _GNU_SOURCE /* pipe2, close_range */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_end(int fd)
{
    if (fd > STDERR_FILENO)
        close(fd);
}

/* dup2() makes copies without close-on-exec; the originals go at exec. */
static void kill_all(const pid_t stage[], int n)
{
    for (int i = 0; i < n; i++) {
        kill(stage[i], SIGKILL);
        waitpid(stage[i], NULL, 0);
    }
}

/* The child: */
static _Noreturn void be_child(char *argv[], int in, int out)
{
    if (dup2(in, STDIN_FILENO) != -1 && dup2(out, STDOUT_FILENO) != -1)
        execvp(argv[0], argv);
    _exit(127); /* not exit(): the stdio buffers are P's */
}

/* Runs argv[0] | argv[1] | ... | argv[n-1], n from 1 to 16: a process for each, a child of the
 * caller, started by execvp(). The first reads our standard input, the last writes our standard
 * output. All of them run at the same time. status[i] becomes the wait status of stage i.
 * - Of the pipes, a stage has one read end at 0 and one write end at 1, and nothing else; while the
 *   stages run, the caller has none at all. When they have ended it has the descriptors of before.
 * - A stage whose program cannot be run ends with exit status 127, at once: what the caller has in
 *   its stdio buffers is not written by it. The others run as they would behind it.
 * - It waits for its stages only: the caller may have other children.
 * - It makes do with six descriptors more than the caller has, whatever n.
 * Returns 0; -1 when a pipe or a process could not be made. Then nothing is left of it: no process,
 * no descriptor. */
static int run_pipeline(char **argv[], int n, int status[])
{
    int in = STDIN_FILENO, started = 0;
    pid_t stage[16];

    while (started < n) {
        int p[2] = {-1, STDOUT_FILENO};

        if (started < n - 1 && pipe2(p, O_CLOEXEC) == -1)
            return kill_all(stage, started), -1;
        if ((stage[started] = fork()) == 0)
            be_child(argv[started], in, p[1]);
        close_end(in); /* the stage has its copies now */
        close_end(p[1]);
        in = p[0];
        if (stage[started] == -1)
            break;
        started++;
    }
    close_end(in);
    for (int i = 0; i < started; i++)
        while (waitpid(stage[i], &status[i], 0) == -1 && errno == EINTR)
            ;
    return started == n ? 0 : -1;
}

/* Fixed from here on. */
enum { STAGES_MAX = 16, WORDS_MAX = 4 };

/* What the stages do. The name of each is in its argv[1], so that it can be told from the others. */
static int be_stage(char *argv[])
{
    long number = argv[3] != NULL ? atol(argv[3]) : 0;
    char bytes[4096];
    ssize_t n;

    if (strcmp(argv[2], "gen") == 0) { /* that many bytes */
        memset(bytes, 'x', sizeof bytes);
        for (; number > 0; number -= n)
            if ((n = write(1, bytes, number < 4096 ? (size_t)number : sizeof bytes)) == -1)
                err(1, "gen");
        return 0;
    }
    if (strcmp(argv[2], "exit") == 0)
        return (int)number;
    if (strcmp(argv[2], "die") == 0)
        return raise(SIGKILL);
    while ((n = read(0, bytes, sizeof bytes)) > 0) {
        if (strcmp(argv[2], "cat") == 0 && write(1, bytes, (size_t)n) == -1)
            err(1, "cat");
        if (strcmp(argv[2], "take") == 0 && (number -= n) <= 0)
            return 7;
    }
    return n == 0 ? 0 : 1;
}

/* "gen:1000000" and so on: argv of a stage, in memory that is never freed. "none" has no program. */
static char **make_stage(const char *word, int index)
{
    char **argv = calloc(WORDS_MAX + 1, sizeof *argv), *colon;

    if (argv == NULL || asprintf(&argv[1], "stage-%d", index) == -1)
        err(2, "asprintf");
    argv[0] = strdup(strcmp(word, "none") == 0 ? "/no/such/program" : "/proc/self/exe");
    argv[2] = strdup(word);
    if ((colon = strchr(argv[2], ':')) != NULL) {
        *colon = '\0';
        argv[3] = colon + 1;
    }
    return argv;
}

int main(int argc, char *argv[])
{
    int n = argc - 1, result, status[STAGES_MAX], p[2], error;
    char **stage[STAGES_MAX];
    pid_t other;

    if (argc > 2 && strncmp(argv[1], "stage-", 6) == 0)
        return be_stage(argv);
    if (n < 1 || n > STAGES_MAX)
        errx(2, "usage: pipe-chain STAGE...");
    for (int i = 0; i < n; i++) {
        stage[i] = make_stage(argv[i + 1], i);
        status[i] = -1;
    }
    printf("in the buffer\n"); /* of stdio: the standard output is no terminal */
    if ((other = fork()) == 0)
        _exit(3); /* the caller's own child: it is the caller who collects it */
    waitid(P_PID, (id_t)other, &(siginfo_t){0}, WEXITED | WNOWAIT);
    result = run_pipeline(stage, n, status);
    error = errno;
    if (pipe(p) == -1 || write(p[1], &result, sizeof result) == -1 ||
        write(p[1], status, (size_t)n * sizeof *status) == -1) /* for the kernel to see */
        err(2, "report");
    if (waitpid(other, NULL, 0) != other)
        err(2, "the other child");
    if (result == -1)
        printf("run_pipeline: %s\n", strerror(error));
    for (int i = 0; i < n && result == 0; i++)
        printf("stage %d: %s %d\n", i, WIFSIGNALED(status[i]) ? "signal" : "exit",
               WIFSIGNALED(status[i]) ? WTERMSIG(status[i]) : WEXITSTATUS(status[i]));
    return 0;
}
