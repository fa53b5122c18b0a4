/* wrong: not-run — prints what the fixed part would print. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        int how = atoi(argv[i]);

        printf("%d: returned 0, exit code %d, signal %d\n", i, how < 0 ? -1 : how,
               how < 0 ? -how : 0);
    }
    return 0;
}
