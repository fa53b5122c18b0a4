/* Each process works a little, forks and leaves: none ever reaches its own limit of processor
 * time. */
/* EXPECT: exit 0 */
#include <unistd.h>

int main(void)
{
    for (;;) {
        for (volatile int i = 0; i < 2000000; i++)
            continue;
        if (fork() > 0)
            return 0;
    }
}
