/* vfork and exec while a sibling writes to a pipe that both share. */
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int ends[2];
    if (argc > 1)
        return write(1, "", 0) == 0 ? 7 : 1;
    if (pipe(ends) < 0)
        return 1;
    if (fork() == 0)
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    pid_t child = vfork();
    if (child == 0) {
        char *const again[] = {argv[0], argv[0], NULL};
        execv(argv[0], again);
        _exit(127);
    }
    char byte;
    int status;
    if (read(ends[0], &byte, 1) != 1 || waitpid(child, &status, 0) != child)
        return 1;
    wait(NULL);
    return WEXITSTATUS(status) == 7 ? 0 : 1;
}
