/* Writes to stdout and stderr as fast as it can. */
/* EXPECT: timeout */
#include <string.h>
#include <unistd.h>

int main(void)
{
    static char block[65536];
    memset(block, '\33', sizeof block);
    for (;;)
        if (write(1, block, sizeof block) < 0 || write(2, block, sizeof block) < 0)
            return 1;
}
