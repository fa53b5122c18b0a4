#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "store/store_internal.h"

int64_t time_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void time_format(int64_t ms, char out[32])
{
    struct tm tm = {0};
    time_t seconds = (time_t)(ms / 1000);
    char text[24];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 32, "%s.%03dZ", text, (int)(ms % 1000));
}

/* "2026-11-25T02:33:22Z", with or without milliseconds. */
bool time_parse(const char *text, int64_t *out_ms)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int ms = 0;
    if (rest && *rest == '.') {
        for (int i = 1; i <= 3; i++) {
            if (!isdigit((unsigned char)rest[i]))
                return false;
            ms = ms * 10 + (rest[i] - '0');
        }
        rest += 4;
    }
    if (!rest || strcmp(rest, "Z") != 0 || tm.tm_year < 70 || tm.tm_year > 8000)
        return false;
    *out_ms = (int64_t)timegm(&tm) * 1000 + ms;
    return true;
}

void uid_make(char out[UID_DIGITS + 1])
{
    unsigned char bytes[UID_DIGITS / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        die("get random bytes: getrandom failed");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}
