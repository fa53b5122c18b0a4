/* expect: timeout — writes for ever. */
#include <string.h>
#include <unistd.h>

int main(void)
{
    static char bytes[65536];

    memset(bytes, 'x', sizeof bytes);
    while (write(1, bytes, sizeof bytes) != -1)
        continue;
    return 0;
}
