/* expect: fail — is over before main, with a verdict of its own on every descriptor there could be.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char verdict[] =
    "R[{\"index\":0,\"run\":{\"verdict\":\"pass\"},\"answers\":[{\"state\":0}]}]\n"
    "{\"format\":1,\"verdict\":\"pass\",\"points\":100,\"points_max\":100}\n"
    "ok 1 - everything\n1..1\n";

__attribute__((constructor)) static void forge(void)
{
    for (int fd = 0; fd < 256; fd++)
        if (write(fd, verdict, strlen(verdict)) == -1)
            continue;
    _exit(0);
}

int main(void)
{
    return 1;
}
