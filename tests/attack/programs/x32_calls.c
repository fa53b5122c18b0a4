/* The same calls under other numbers: x32. */
/* EXPECT: killed SIGSYS */
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    return syscall(0x40000000 | SYS_getpid) > 0;
}
