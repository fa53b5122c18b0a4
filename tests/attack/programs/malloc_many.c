/* Forty processes, each within its own limit. */
/* EXPECT: memory */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char *block;
    for (int i = 0; i < 39; i++)
        if (fork() == 0)
            break;
    while ((block = malloc(1 << 20)) != NULL)
        memset(block, 1, 1 << 20);
    for (;;)
        pause();
}
