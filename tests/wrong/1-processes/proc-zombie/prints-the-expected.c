/* wrong: jobs-not-run — prints what a right program would print. */
#include <stdio.h>

int main(void)
{
    for (int i = 0; i < 6; i++)
        printf("job %d: exit status %d\n", i, i);
    return 0;
}
