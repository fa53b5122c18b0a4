/* Fails or not by a random byte: two runs in one order are not the same. */
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
    unsigned char byte = 0;
    int fd = open("/dev/urandom", O_RDONLY);

    if (fd == -1 || read(fd, &byte, 1) != 1)
        return 2;
    if (byte & 1) {
        close(fd);
        return 1;
    }
    dup(fd);
    return 0;
}
