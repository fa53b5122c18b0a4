/* expect: fail — prints whatever a healthy program could print, and does nothing. */
#include <stdio.h>

int main(void)
{
    puts("PASS\nok\nall tests passed\n100 of 100 points");
    for (int i = 0; i < 20; i++)
        printf("job %d: exit status %d\nconsumer %d: 30 bytes, sum 1\nsent and received\n", i, i,
               i);
    return 0;
}
