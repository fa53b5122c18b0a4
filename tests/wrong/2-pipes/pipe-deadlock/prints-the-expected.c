/* wrong: bytes-missing — prints what a right program would print. */
#include <stdio.h>

int main(void)
{
    fprintf(stderr, "sent 100000 bytes, received 100000: the peer has them all\n");
    return 0;
}
