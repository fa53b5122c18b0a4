/* The child of a vfork never lets its parent go on. */
/* EXPECT: timeout */
#include <unistd.h>

int main(void)
{
    if (vfork() == 0)
        for (;;)
            pause();
    return 0;
}
