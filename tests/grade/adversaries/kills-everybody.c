/* expect: fail crash — kills its parent, its group, and all whom it may. */
#include <signal.h>
#include <unistd.h>

int main(void)
{
    kill(getppid(), SIGKILL);
    kill(1, SIGKILL);
    kill(0, SIGTERM);
    kill(-1, SIGKILL);
    kill(0, SIGKILL);
    return 0;
}
