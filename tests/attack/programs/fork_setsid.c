/* A fork bomb whose every child leaves its session, so that no process group holds them all. */
/* EXPECT: timeout */
#include <unistd.h>

int main(void)
{
    for (;;)
        if (fork() == 0)
            setsid();
}
