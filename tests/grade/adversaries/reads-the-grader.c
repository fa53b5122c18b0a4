/* expect: fail — looks for graders, solutions and recordings, and crashes if it finds any. */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int look(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    if (strstr(path, ".lua") != NULL || strstr(path, "solutions") != NULL ||
        strstr(path, ".ipclab") != NULL)
        abort();
    return 0;
}

int main(void)
{
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            abort();
    for (int i = 0; i < 3; i++)
        nftw(((const char *[]){"/home", "/root", "/tmp"})[i], look, 16, FTW_PHYS);
    return 0;
}
