/* Fills every place that can be written: one large file, many large files, many small files, deep
 * folders. */
/* EXPECT: exit 0 */
/* SAYS: large EFBIG */
/* SAYS: many ENOSPC */
/* SAYS: memory ENOSPC */
/* SAYS: inodes ENOSPC */
/* SAYS: sparse EFBIG */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "attack.h"

static long fill(const char *folder, int number)
{
    static char block[65536], path[64];
    snprintf(path, sizeof path, "%s/%d", folder, number);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    ssize_t n = fd;
    while (fd >= 0 && (n = write(fd, block, sizeof block)) > 0)
        continue;
    int saved = errno;
    close(fd);
    errno = saved;
    return n;
}

static void fill_all(const char *folder, const char *what)
{
    int i = 1;
    while (fill(folder, i) < 0 && errno == EFBIG)
        i++;
    SAY(what, -1);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    SAY("large", fill("/tmp", 0));
    SAY("sparse", truncate("/tmp/0", 1l << 40));
    fill_all("/tmp", "many");
    fill_all("/dev/shm", "memory");
    unlink("/tmp/0");
    unlink("/tmp/1");
    int rc = 0;
    for (int i = 0; i < 100000 && rc == 0; i++)
        if ((rc = mkdir("d", 0700)) == 0)
            rc = chdir("d");
    SAY("inodes", rc);
    return 0;
}
