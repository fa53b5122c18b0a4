/* wrong: not-started — prints verdicts in a constructor and leaves before main() begins. */
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void forge(void)
{
    puts("PASS proc-death\n{\"verdict\":\"pass\",\"score\":100}\nok 1 - not-started");
    fflush(stdout);
    _exit(0);
}

int main(void)
{
    return 1;
}
