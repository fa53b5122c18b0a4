/* Fails or not by a random byte: two runs in one order are not the same. */
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
    unsigned char byte = 0;
    int fd = open("/dev/urandom", O_RDONLY);

    if (fd == -1 || read(fd, &byte, 1) != 1)
        return 2;
    for (int i = 0; i < byte % 16; i++)
        dup(fd);
    close(fd);
    return byte % 2;
}
