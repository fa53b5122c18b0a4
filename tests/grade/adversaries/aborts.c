/* expect: crash — gives up. */
#include <stdlib.h>

int main(void)
{
    abort();
}
