/* Loses ten bytes: LeakSanitizer's business, when it runs. Exits with 0 when it does not. */
#include <stdlib.h>

int main(void)
{
    char *volatile lost = malloc(10);
    lost = NULL;
    return lost != NULL;
}
