/* wrong: no-writers — prints verdicts in a constructor and leaves before main() begins. */
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void forge(void)
{
    puts("PASS pipe-atomic\n{\"verdict\":\"pass\",\"score\":100}\nok 1\n8 Tests 0 Failures");
    fflush(stdout);
    _exit(0);
}

int main(void)
{
    return 1;
}
