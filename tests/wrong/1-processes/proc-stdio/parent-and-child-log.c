/* wrong: duplicated — P prints the line into the log as well, so it stands there twice. */
#define _GNU_SOURCE /* memfd_create() */
#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_SIZE = 256 }; /* no line is longer, '\n' and '\0' included */

static int log_turn(FILE *log, const char *question, const char *answer)
{
    int status;
    pid_t pid;

    if (fflush(log) == EOF)
        return -1;
    if ((pid = fork()) == -1)
        return -1;
    if (pid == 0) {
        fprintf(log, "%.*s -> %s", (int)strcspn(question, "\n"), question, answer);
        _exit(fflush(log) == EOF);
    }
    fprintf(log, "%.*s -> %s", (int)strcspn(question, "\n"), question, answer);
    if (waitpid(pid, &status, 0) == -1 || status != 0)
        return -1;
    return 0;
}

static int converse(FILE *questions, FILE *to, FILE *from, FILE *log)
{
    char question[LINE_SIZE], answer[LINE_SIZE];
    int turns = 0;

    while (fgets(question, sizeof question, questions) != NULL) {
        if (fputs(question, to) == EOF || fflush(to) == EOF)
            return -1;
        if (fgets(answer, sizeof answer, from) == NULL)
            return -1;
        if (log_turn(log, question, answer) == -1)
            return -1;
        turns++;
    }
    return turns;
}

/* Fixed from here on. */
static const char *log_path;
static int deaf = -1, mute = -1, header = 1;
static int patience = 100; /* the server answers no more than that */

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static FILE *open_stream(int fd, const char *mode)
{
    FILE *stream = fd == -1 ? NULL : fdopen(fd, mode);

    if (stream == NULL)
        fail("fdopen");
    return stream;
}

/* A file without a name, with the bytes of standard input. */
static FILE *copy_input(void)
{
    int fd = memfd_create("questions", 0);
    char bytes[4096];
    ssize_t n;

    while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
        if (write(fd, bytes, (size_t)n) != n)
            fail("write");
    if (lseek(fd, 0, SEEK_SET) == -1)
        fail("lseek");
    return open_stream(fd, "r");
}

static _Noreturn void serve(int in, int out)
{
    char line[LINE_SIZE];
    int size = 0, answers = 0;

    while (answers != deaf && answers < patience && read(in, line + size, 1) == 1) {
        line[size] = (char)toupper((unsigned char)line[size]);
        if (line[size++] != '\n')
            continue;
        if (answers++ == mute)
            break;
        if (answers == deaf)
            close(in); /* from now on nobody hears what P asks */
        if (write(out, line, (size_t)size) != size)
            break;
        size = 0;
    }
    _exit(0);
}

static pid_t start_server(FILE **to, FILE **from)
{
    int ask[2], reply[2];
    pid_t server;

    if (pipe(ask) == -1 || pipe(reply) == -1)
        fail("pipe");
    if ((server = fork()) == -1)
        fail("fork");
    if (server == 0) {
        close(ask[1]);
        close(reply[0]);
        serve(ask[0], reply[1]);
    }
    close(ask[0]);
    close(reply[1]);
    *to = open_stream(ask[1], "w");
    *from = open_stream(reply[0], "r");
    return server;
}

static void read_arguments(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "log=", 4) == 0)
            log_path = argv[i] + 4;
        else if (sscanf(argv[i], "deaf=%d", &deaf) != 1 && sscanf(argv[i], "mute=%d", &mute) != 1 &&
                 sscanf(argv[i], "header=%d", &header) != 1)
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
}

int main(int argc, char *argv[])
{
    FILE *questions, *to, *from, *log;
    pid_t server;
    int turns;

    read_arguments(argc, argv);
    signal(SIGPIPE, SIG_IGN); /* a write that nobody can read fails with EPIPE */
    questions = copy_input();
    server = start_server(&to, &from);
    log = open_stream(log_path ? open(log_path, O_WRONLY) : memfd_create("log", 0), "w");
    printf("the conversation begins\n");
    if (header)
        fprintf(log, "the log begins\n");
    turns = converse(questions, to, from, log);
    fprintf(log, "%d turns\n", turns);
    printf("the conversation ends\n");
    fclose(log);
    fclose(to);
    waitpid(server, NULL, 0);
    return turns == -1;
}
