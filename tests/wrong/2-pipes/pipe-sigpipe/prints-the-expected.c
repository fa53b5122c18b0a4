/* wrong: no-receivers — prints what a right program would print. */
#include <stdio.h>

int main(void)
{
    puts("a message has reached 3 of 3");
    return 0;
}
