/* Two posix_spawn children joined by a pipe. */
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static pid_t start(char *program, const char *role, int from, int to, int other)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, from, to);
    posix_spawn_file_actions_addclose(&actions, from);
    posix_spawn_file_actions_addclose(&actions, other);
    char name[8];
    strcpy(name, role);
    char *const argv[] = {program, name, NULL};
    pid_t pid = -1;
    posix_spawn(&pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

int main(int argc, char **argv)
{
    char text[4];
    if (argc > 1 && strcmp(argv[1], "write") == 0)
        return write(5, "abcd", 4) == 4 ? 0 : 1;
    if (argc > 1)
        return read(5, text, 4) == 4 ? 0 : 1;
    int ends[2], status, bad = 0;
    if (pipe(ends) < 0)
        return 1;
    start(argv[0], "write", ends[1], 5, ends[0]);
    start(argv[0], "read", ends[0], 5, ends[1]);
    close(ends[0]);
    close(ends[1]);
    while (wait(&status) > 0)
        bad |= status;
    return bad ? 1 : 0;
}
