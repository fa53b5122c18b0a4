/* One process takes all the memory it can get. */
/* EXPECT: exit 0 or memory */
#include <stdlib.h>

#include "attack.h"

int main(void)
{
    char *block;
    while ((block = malloc(1 << 20)) != NULL)
        memset(block, 1, 1 << 20);
    SAY("malloc", -1);
    return 0;
}
