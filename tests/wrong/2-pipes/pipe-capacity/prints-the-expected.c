/* wrong: no-receivers — prints what a right program would print. */
#include <stdio.h>

int main(void)
{
    puts("receiver 0: 40 records");
    return 0;
}
