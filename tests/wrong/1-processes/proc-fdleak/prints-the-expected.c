/* wrong: not-started — prints what the fixed part prints. */
#include <stdio.h>

int main(void)
{
    printf("waiting in a buffer\n");
    return 0;
}
