/* wrong: no-stages — prints what a right program would print. */
#include <stdio.h>

int main(void)
{
    puts("stage 0: exit 0");
    return 0;
}
