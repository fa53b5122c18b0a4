/* wrong: no-writers — prints what a right program would print. */
#include <stdio.h>

int main(void)
{
    puts("a record of 3000 bytes");
    return 0;
}
