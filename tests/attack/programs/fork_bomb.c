/* Forks without end; everybody goes on. */
/* EXPECT: timeout */
#include <unistd.h>

int main(void)
{
    for (;;)
        fork();
}
