/* Pipes: bytes, pages, ends, and the repair of halves that were observed in another order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "play.h"

#define TWO_PROCESSES  \
    "P start\n"        \
    "P pipe = 0 3 4\n" \
    "P > fork\n"       \
    "P.1 start P\n"    \
    "P < @P.1\n"

static const struct {
    const char *title;
    const char *script;
} cases[] = {
    {"a pipe and its bytes", "P start\n"
                             "P pipe = 0 3 4\n"
                             "? fds P = 3 4\n"
                             "? ends 1 = 1 1\n"
                             "? capacity 1 = 65536\n"
                             "w: P write 4 \"hello\" = 5\n"
                             "? fill 1 = 5\n"
                             "? ranges 1 = w:0+5\n"
                             "P read 3 2 = 2 \"he\"\n"
                             "? flows = w:0+2\n"
                             "? ranges 1 = w:2+3\n"
                             "P read 3 9 = 3 \"llo\"\n"
                             "? fill 1 = 0\n"
                             "? pages 1 = 0\n"},
    {"16 writes of 3000 fill it", "P start\n"
                                  "P pipe = 0 3 4\n"
                                  "P write 4 a*3000 = 3000\n"
                                  "P write 4 b*3000 = 3000\n"
                                  "? pages 1 = 2\n"
                                  "P write 4 c*1096 = 1096\n"
                                  "? pages 1 = 2\n"
                                  "P write 4 d*40000 = 40000\n"
                                  "? pages 1 = 12\n"
                                  "P write 4 e*16384 = 16384\n"
                                  "? pages 1 = 16\n"
                                  "? fill 1 = 63480\n"
                                  "? room 1 = 0\n"},
    {"the odd part is merged first", "P start\n"
                                     "P pipe = 0 3 4\n"
                                     "a: P write 4 a*100 = 100\n"
                                     "b: P write 4 b*4196 = 4196\n"
                                     "? pages 1 = 2\n"
                                     "? ranges 1 = a:0+100 b:0+4196\n"
                                     "P read 3 100 = 100 a*100\n"
                                     "? pages 1 = 2\n"
                                     "P read 3 100 = 100 b*100\n"
                                     "? pages 1 = 1\n"},
    {"a write that put nothing", "P start\n"
                                 "P pipe = 0 3 4\n"
                                 "a: P write 4 a*7 = 7\n"
                                 "P write 4 b*4099 = 0\n"
                                 "? ranges 1 = a:0+7\n"},
    {"a splice from what nobody knows", TWO_PROCESSES "P > splice 9 4 100\n"
                                                      "P.1 read 3 10 = 10\n"
                                                      "? fill 1 = 90\n"
                                                      "P < 100\n"
                                                      "? anomalies = 1\n"},
    {"packets", "P start\n"
                "P pipe direct = 0 3 4\n"
                "a: P write 4 \"one\" = 3\n"
                "b: P write 4 \"two\" = 3\n"
                "? pages 1 = 2\n"
                "P read 3 1 = 1 \"o\"\n"
                "? fill 1 = 3\n"
                "P read 3 10 = 3 \"two\"\n"
                "? flows = b:0+3\n"},
    {"F_SETPIPE_SZ", "P start\n"
                     "P pipe = 0 3 4\n"
                     "P fcntl pipesize 4 4096 = 4096\n"
                     "? capacity 1 = 4096\n"
                     "P write 4 a*4096 = 4096\n"
                     "? room 1 = 0\n"
                     "P fcntl pipesize 4 8192 = 8192\n"
                     "? room 1 = 4096\n"},
    {"a read is seen before its write", TWO_PROCESSES "w: P.1 > write 4 \"hello\"\n"
                                                      "P read 3 10 = 5 \"hello\"\n"
                                                      "? fill 1 = 0\n"
                                                      "? flows = w:0+5\n"
                                                      "P.1 < 5\n"
                                                      "? fill 1 = 0\n"},
    {"which of two writes: the payload tells", TWO_PROCESSES "a: P.1 > write 4 \"aaaa\"\n"
                                                             "P > fork\n"
                                                             "P.2 start P\n"
                                                             "P < @P.2\n"
                                                             "b: P.2 > write 4 \"bbbb\"\n"
                                                             "P read 3 4 = 4 \"bbbb\"\n"
                                                             "? flows = b:0+4\n"
                                                             "? fill 1 = 0\n"
                                                             "P.2 < 4\n"
                                                             "P read 3 4 = 4 \"aaaa\"\n"
                                                             "? flows = a:0+4\n"
                                                             "P.1 < 4\n"
                                                             "? fill 1 = 0\n"},
    {"two writes are seen in the wrong order", TWO_PROCESSES "a: P.1 > write 4 \"aaaa\"\n"
                                                             "b: P write 4 \"bbbb\" = 4\n"
                                                             "P.1 < 4\n"
                                                             "P read 3 4 = 4 \"aaaa\"\n"
                                                             "? flows = a:0+4\n"
                                                             "? ranges 1 = b:0+4\n"
                                                             "P read 3 4 = 4 \"bbbb\"\n"
                                                             "? flows = b:0+4\n"},
    {"a write sleeps: the pipe is full", TWO_PROCESSES "w: P.1 > write 4 x*100000\n"
                                                       "? fill 1 = 0\n"
                                                       "P.1 asleep\n"
                                                       "? fill 1 = 65536\n"
                                                       "? wait P.1 = PIPE_FULL P P.1\n"
                                                       "P read 3 4096 = 4096 x*4096\n"
                                                       "? fill 1 = 61440\n"
                                                       "? wait P.1 = no\n"
                                                       "P.1 asleep\n"
                                                       "? fill 1 = 65536\n"
                                                       "P read 3 65536 = 65536 x*65536\n"
                                                       "? flows = w:4096+65536\n"
                                                       "P.1 < 100000\n"
                                                       "? fill 1 = 30368\n"
                                                       "? ranges 1 = w:69632+30368\n"},
    {"a blocked write goes on unseen", TWO_PROCESSES "w: P.1 > write 4 x*100000\n"
                                                     "P.1 asleep\n"
                                                     "P read 3 65536 = 65536 x*65536\n"
                                                     "P read 3 65536 = 34464 x*34464\n"
                                                     "? fill 1 = 0\n"
                                                     "P.1 < 100000\n"
                                                     "? fill 1 = 0\n"},
    {"an interrupted write gives back what it did not put",
     TWO_PROCESSES "w: P.1 > write 4 x*100000\n"
                   "P.1 asleep\n"
                   "P.1 < 65536\n"
                   "? fill 1 = 65536\n"},
    {"a write is seen before the read that made room", TWO_PROCESSES "P write 4 x*65536 = 65536\n"
                                                                     "r: P > read 3 10000\n"
                                                                     "P.1 write 4 y*4096 = 4096\n"
                                                                     "? pages 1 = 16\n"
                                                                     "? fill 1 = 65536\n"
                                                                     "P < 10000 x*10000\n"
                                                                     "? fill 1 = 59632\n"},
    {"end of file before the close that made it", TWO_PROCESSES "P close 4 = 0\n"
                                                                "P > read 3 10\n"
                                                                "P.1 > close 4\n"
                                                                "P < 0\n"
                                                                "? ends 1 = 1 0\n"
                                                                "? fds P.1 = 3\n"
                                                                "P.1 < 0\n"},
    {"end of file before the exit that made it", TWO_PROCESSES "P close 4 = 0\n"
                                                               "P > read 3 10\n"
                                                               "P.1 > exit_group 0\n"
                                                               "P.1 dying 0\n"
                                                               "? ends 1 = 1 1\n"
                                                               "P < 0\n"
                                                               "? ends 1 = 1 0\n"
                                                               "P.1 ended 0\n"
                                                               "? state P.1 = zombie\n"},
    {"end of file before DYING was seen", TWO_PROCESSES "P close 4 = 0\n"
                                                        "P.1 > exit_group 0\n"
                                                        "P read 3 10 = 0\n"
                                                        "? ends 1 = 1 0\n"
                                                        "P.1 dying 0\n"
                                                        "P.1 ended 0\n"},
    {"end of file by close-on-exec", "P start\n"
                                     "P pipe cloexec = 0 3 4\n"
                                     "P > fork\n"
                                     "P.1 start P\n"
                                     "P < @P.1\n"
                                     "P close 4 = 0\n"
                                     "P.1 > execve /bin/true\n"
                                     "P read 3 10 = 0\n"
                                     "? fds P.1 = \n"
                                     "P.1 exec\n"
                                     "P.1 < 0\n"},
    {"end of file by dup2 over it", TWO_PROCESSES "P close 4 = 0\n"
                                                  "P.1 > dup2 3 4\n"
                                                  "P read 3 10 = 0\n"
                                                  "? ends 1 = 1 0\n"
                                                  "P.1 < 4\n"
                                                  "? fds P.1 = 3 4\n"},
    {"end of file by kill -9", TWO_PROCESSES "P close 4 = 0\n"
                                             "P > kill @P.1 9\n"
                                             "P < 0\n"
                                             "P read 3 10 = 0\n"
                                             "? ends 1 = 1 0\n"
                                             "P.1 dying 9\n"
                                             "P.1 ended 9\n"},
    {"EPIPE before the close that made it", TWO_PROCESSES "P close 3 = 0\n"
                                                          "P > write 4 \"x\"\n"
                                                          "P.1 > close 3\n"
                                                          "P < EPIPE\n"
                                                          "? ends 1 = 0 1\n"
                                                          "? pending P = 0x1000\n"
                                                          "P.1 < 0\n"},
    {"an end of file that nothing explains is an anomaly",
     "P start\nP pipe = 0 3 4\nP read 3 10 = 0\n? anomalies = 1\n"},
    {"bytes from nowhere are an anomaly",
     "P start\nP pipe = 0 3 4\nP read 3 10 = 2 \"zz\"\n? anomalies = 1\n"},
    {"more than there is room for is an anomaly",
     "P start\nP pipe = 0 3 4\nP write 4 x*65536 = 65536\nP write 4 y*10 = 10\n? anomalies = 1\n"
     "? fill 1 = 65536\n"},
    {"a writer killed inside its write", TWO_PROCESSES "w: P.1 > write 4 \"late\"\n"
                                                       "P.1 dying 9\n"
                                                       "P.1 ended 9\n"
                                                       "P read 3 10 = 4 \"late\"\n"
                                                       "? flows = w:0+4\n"},
    {"two big writers asleep: the fill is not known", TWO_PROCESSES "P.1 > write 4 x*100000\n"
                                                                    "P.1 asleep\n"
                                                                    "? known 1 = 1\n"
                                                                    "P > fork\n"
                                                                    "P.2 start P\n"
                                                                    "P < @P.2\n"
                                                                    "P.2 > write 4 y*100000\n"
                                                                    "P.2 asleep\n"
                                                                    "? known 1 = 0\n"},
    {"of two writers asleep the other one went on", TWO_PROCESSES "P > fork\n"
                                                                  "P.2 start P\n"
                                                                  "P < @P.2\n"
                                                                  "a: P.1 > write 4 a*70000\n"
                                                                  "b: P.2 > write 4 b*70000\n"
                                                                  "P.1 asleep\n"
                                                                  "P.2 asleep\n"
                                                                  "? known 1 = 0\n"
                                                                  "P read 3 65536 = 65536 b*65536\n"
                                                                  "P.2 < 70000\n"
                                                                  "P.1 asleep\n"
                                                                  "? fill 1 = 61808\n"
                                                                  "P read 3 4464 = 4464 b*4464\n"
                                                                  "? flows = b:65536+4464\n"
                                                                  "P read 3 70000 = 57344 a*57344\n"
                                                                  "? flows = a:0+57344\n"
                                                                  "P.1 < 70000\n"
                                                                  "P read 3 70000 = 12656 a*12656\n"
                                                                  "? fill 1 = 0\n"
                                                                  "? pages 1 = 0\n"},
    {"splice from pipe to pipe", "P start\n"
                                 "P pipe = 0 3 4\n"
                                 "P pipe = 0 5 6\n"
                                 "w: P write 4 \"hello\" = 5\n"
                                 "P splice 3 6 100 = 5\n"
                                 "? fill 1 = 0\n"
                                 "? ranges 2 = w:0+5\n"
                                 "P tee 5 4 3 = 3\n"
                                 "? ranges 1 = w:0+3\n"
                                 "? ranges 2 = w:0+5\n"
                                 "P read 5 10 = 5 \"hello\"\n"
                                 "? flows = w:0+5\n"},
    {"an inherited pipe", "P start\n"
                          "P has 0 read pipe 77\n"
                          "P read 0 10 = 3 \"abc\"\n"
                          "P read 0 10 = 0\n"
                          "P > read 0 10\n"
                          "P asleep\n"
                          "? wait P = PIPE_EMPTY outside\n"
                          "? stuck = 0\n"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        play(cases[i].title, cases[i].script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
