/* Two hundred processes crash: no core file, no handler of core files. */
/* EXPECT: killed SIGSEGV */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    for (int i = 0; i < 200; i++) {
        if (fork() == 0)
            raise(SIGSEGV);
        wait(NULL);
    }
    raise(SIGSEGV);
    return 0;
}
