/* Two threads write to a pipe that the first reads, then are joined. */
#include <pthread.h>
#include <unistd.h>

static int ends[2];

static void *writer(void *arg)
{
    for (int i = 0; i < 3; i++)
        if (write(ends[1], arg, 1) != 1)
            return arg;
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    char byte, letters[] = "ab";
    void *result;
    int sum = 0;
    if (pipe(ends) < 0)
        return 1;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, writer, &letters[i]);
    for (int i = 0; i < 6 && read(ends[0], &byte, 1) == 1; i++)
        sum += byte;
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &result);
        if (result)
            return 1;
    }
    return sum == 3 * 'a' + 3 * 'b' ? 0 : 1;
}
