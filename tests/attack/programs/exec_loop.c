/* Becomes itself again, for ever. */
/* EXPECT: timeout */
#include <unistd.h>

int main(int argc, char **argv)
{
    (void)argc;
    execv("/proc/self/exe", argv);
    return 1;
}
