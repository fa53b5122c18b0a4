/* wrong: no-consumers — adds up its input in one process and prints what a right program would print. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    unsigned long sum[16] = {0};
    char line[4096];

    while (fgets(line, sizeof line, stdin) != NULL) {
        char *text;
        long index = strtol(line, &text, 10);

        while (*text != '\0' && *++text != '\0')
            sum[index & 15] += (unsigned char)*text;
    }
    for (int i = 0; i < 4; i++)
        printf("consumer %d: sum %lu\n", i, sum[i]);
    return 0;
}
