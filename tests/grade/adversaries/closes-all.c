/* expect: fail — closes 0 to 2, and everything else. */
#include <unistd.h>

int main(void)
{
    for (int fd = 0; fd < 1024; fd++)
        close(fd);
    return 0;
}
