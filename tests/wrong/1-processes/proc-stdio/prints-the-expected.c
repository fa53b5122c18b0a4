/* wrong: not-asked — prints what a talk would leave behind, and talks to nobody. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    char line[256];
    int turns = 0;

    printf("the conversation begins\nthe log begins\n");
    for (; fgets(line, sizeof line, stdin) != NULL; turns++) {
        printf("%.*s -> ", (int)strcspn(line, "\n"), line);
        for (char *at = line; *at != '\0'; at++)
            putchar(toupper((unsigned char)*at));
    }
    printf("%d turns\nthe conversation ends\n", turns);
    return 0;
}
