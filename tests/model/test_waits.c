/* Signals, and who waits for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "play.h"

#define FORK(parent, child) parent " > fork\n" child " start " parent "\n" parent " < @" child "\n"

static const struct {
    const char *title;
    const char *script;
} signals[] =
    {
        {"sent, blocked, delivered", "P start\n"
                                     "P sigaction 10 handler = 0\n"
                                     "P sigmask block 0x200 = 0\n"
                                     "P kill @P 10 = 0\n"
                                     "? pending P = 0x200\n"
                                     "P > sigsuspend 0\n"
                                     "? mask P = 0x0\n"
                                     "P signal 10\n"
                                     "? pending P = 0x0\n"
                                     "? mask P = 0x200\n"
                                     "P > sigreturn\n"
                                     "P < EINTR\n"
                                     "? mask P = 0x200\n"
                                     "P < EINTR\n"
                                     "P sigmask unblock 0x200 = 0\n"
                                     "? mask P = 0x0\n"},
        {"delivered before kill was seen to return",
         "P start\n" FORK("P", "P.1") "P > kill @P.1 10\n"
                                      "P.1 signal 10\n"
                                      "P < 0\n"
                                      "? pending P.1 = 0x0\n"},
        {"a signal that is on its way wakes", "P start\n" FORK("P", "P.1") "P.1 > pause\n"
                                                                           "P.1 asleep\n"
                                                                           "? wait P.1 = SIGNAL P\n"
                                                                           "P kill @P.1 20 = 0\n"
                                                                           "? wait P.1 = no\n"
                                                                           "P > wait -1 untraced\n"
                                                                           "P asleep\n"
                                                                           "? hopeless = \n"
                                                                           "P.1 signal 20\n"
                                                                           "P.1 stop 20\n"
                                                                           "? wait P = no\n"},
        {"a handler's mask, nested", "P start\n"
                                     "P sigaction 10 handler 0x800 = 0\n"
                                     "P sigaction 15 handler = 0\n"
                                     "P signal 10\n"
                                     "? mask P = 0xa00\n"
                                     "P signal 15\n"
                                     "? mask P = 0x4a00\n"
                                     "P sigreturn = 0\n"
                                     "? mask P = 0xa00\n"
                                     "P sigreturn = 0\n"
                                     "? mask P = 0x0\n"},
        {"SA_NODEFER and SA_RESETHAND", "P start\n"
                                        "P sigaction 10 handler nodefer resethand = 0\n"
                                        "P signal 10\n"
                                        "? mask P = 0x0\n"
                                        "? handler P 10 = 0x0\n"},
        {"SIGKILL cannot be blocked", "P start\n"
                                      "P sigmask set 0xffffffffffff = 0\n"
                                      "? mask P = 0xfffffffbfeff\n"},
        {"fork inherits, but not what is pending",
         "P start\n"
         "P sigaction 10 handler = 0\n"
         "P sigmask block 0x200 = 0\n"
         "P kill @P 10 = 0\n" FORK("P", "P.1") "? pending P.1 = 0x0\n"
                                               "? mask P.1 = 0x200\n"
                                               "? handler P.1 10 = 0x5000\n"},
        {"exec resets handlers, keeps what is ignored", "P start\n"
                                                        "P sigaction 10 handler = 0\n"
                                                        "P sigaction 13 ignore = 0\n"
                                                        "P > execve /bin/true\n"
                                                        "P exec\n"
                                                        "? handler P 10 = 0x0\n"
                                                        "? handler P 13 = 0x1\n"},
        {"ignoring discards", "P start\n"
                              "P sigmask block 0x200 = 0\n"
                              "P kill @P 10 = 0\n"
                              "P sigaction 10 ignore = 0\n"
                              "? pending P = 0x0\n"},
        {"SIGCONT discards stops", "P start\n" FORK("P", "P.1") "P.1 sigmask block 0x80000 = 0\n"
                                                                "P kill @P.1 20 = 0\n"
                                                                "? pending P.1 = 0x80000\n"
                                                                "P kill @P.1 18 = 0\n"
                                                                "? pending P.1 = 0x20000\n"},
        {"a group", "P start\n" FORK("P", "P.1") FORK("P", "P.2") "P setpgid @P.1 0 = 0\n"
                                                                  "P setpgid @P.2 @P.1 = 0\n"
                                                                  "P kill -@P.1 15 = 0\n"
                                                                  "? pending P.1 = 0x4000\n"
                                                                  "? pending P.2 = 0x4000\n"
                                                                  "? pending P = 0x0\n"},
        {"sigwait takes it", "P start\n"
                             "P sigmask block 0x200 = 0\n"
                             "P kill @P 10 = 0\n"
                             "P sigwait 0x200 = 10\n"
                             "? pending P = 0x0\n"},
        {"a standard signal is pending once, a real-time one is queued",
         "P start\n"
         "P sigmask block 0x200000200 = 0\n"
         "P kill @P 10 = 0\n"
         "P kill @P 10 = 0\n"
         "P kill @P 34 = 0\n"
         "P kill @P 34 = 0\n"
         "P signal 10\n"
         "? pending P = 0x200000000\n"
         "P signal 34\n"
         "? pending P = 0x200000000\n"
         "P signal 34\n"
         "? pending P = 0x0\n"},
        {"alarm", "P start\n"
                  "P alarm 1 = 0\n"
                  "? timer P = 1\n"
                  "P > execve /bin/true\n"
                  "P exec\n"
                  "P < 0\n"
                  "? timer P = 1\n"
                  "P alarm 0 = 0\n"
                  "? timer P = 0\n"},
},
  waits[] = {
      {"never-EOF: the reader itself",
       "P start\n"
       "P pipe = 0 3 4\n"
       "P > read 3 10\n"
       "? wait P = PIPE_EMPTY P\n"
       "? text P = pipe 1 is empty, and one writer is left: P itself "
       "(fd 4)\n"
       "? hopeless = P\n"
       "? stuck = 1\n"},
      {"a running writer", "P start\n"
                           "P pipe = 0 3 4\n" FORK("P", "P.1") "P > read 3 10\n"
                                                               "? wait P = PIPE_EMPTY P P.1\n"
                                                               "? hopeless = \n"
                                                               "? stuck = 0\n"},
      {"a cycle of two pipes", "P start\n"
                               "P pipe = 0 3 4\n"
                               "P pipe = 0 5 6\n" FORK("P", "P.1") "P close 3 = 0\n"
                                                                   "P close 6 = 0\n"
                                                                   "P.1 close 4 = 0\n"
                                                                   "P.1 close 5 = 0\n"
                                                                   "P > read 5 1\n"
                                                                   "P.1 > read 3 1\n"
                                                                   "? wait P = PIPE_EMPTY P.1\n"
                                                                   "? wait P.1 = PIPE_EMPTY P\n"
                                                                   "? hopeless = P P.1\n"
                                                                   "? stuck = 1\n"},
      {"both write, nobody reads",
       "P start\n"
       "P pipe = 0 3 4\n"
       "P pipe = 0 5 6\n" FORK("P",
                               "P.1") "P close 3 = 0\n"
                                      "P close 6 = 0\n"
                                      "P.1 close 4 = 0\n"
                                      "P.1 close 5 = 0\n"
                                      "P > write 4 x*70000\n"
                                      "P asleep\n"
                                      "P.1 > write 6 y*70000\n"
                                      "P.1 asleep\n"
                                      "? wait P = PIPE_FULL P.1\n"
                                      "? text P = pipe 1 is full (65536 of 65536 bytes), and one "
                                      "reader is left: P.1 (fd 3)\n"
                                      "? stuck = 1\n"},
      {"a parent waits for a child that reads",
       "P start\n"
       "P pipe = 0 3 4\n" FORK("P", "P.1") "P > wait -1\n"
                                           "P.1 > read 3 1\n"
                                           "? wait P = CHILD P.1\n"
                                           "? text P = its child P.1 has not ended\n"
                                           "? wait P.1 = PIPE_EMPTY P P.1\n"
                                           "? stuck = 1\n"},
      {"a sleeper is a way out", "P start\n" FORK("P", "P.1") "P > wait -1\n"
                                                              "P.1 > nanosleep 10\n"
                                                              "? wait P.1 = TIME timeout\n"
                                                              "? hopeless = \n"
                                                              "? stuck = 0\n"},
      {"an alarm is a way out", "P start\n"
                                "P pipe = 0 3 4\n"
                                "P alarm 1 = 0\n"
                                "P > read 3 10\n"
                                "? wait P = PIPE_EMPTY P timeout\n"
                                "? stuck = 0\n"},
      {"a zombie is no reason to wait", "P start\n" FORK("P", "P.1") "P.1 ended 0\n"
                                                                     "P > wait -1\n"
                                                                     "? wait P = no\n"},
      {"pause alone", "P start\n"
                      "P > pause\n"
                      "? wait P = SIGNAL\n"
                      "? stuck = 1\n"},
      {"pause, and somebody who may send", "P start\n" FORK("P", "P.1") "P > pause\n"
                                                                        "? wait P = SIGNAL P.1\n"
                                                                        "? stuck = 0\n"
                                                                        "P.1 > pause\n"
                                                                        "? stuck = 1\n"},
      {"poll on two pipes", "P start\n"
                            "P pipe = 0 3 4\n"
                            "P pipe = 0 5 6\n" FORK("P", "P.1") "P close 4 = 0\n"
                                                                "P close 6 = 0\n"
                                                                "P > poll 3:in 5:in -1\n"
                                                                "? wait P = READY P.1\n"
                                                                "P.1 > pause\n"
                                                                "? hopeless = P P.1\n"},
      {"poll with a time limit", "P start\n"
                                 "P pipe = 0 3 4\n"
                                 "P > poll 3:in 1000\n"
                                 "? wait P = READY P timeout\n"
                                 "? stuck = 0\n"},
      {"poll that is ready", "P start\n"
                             "P pipe = 0 3 4\n"
                             "P write 4 \"x\" = 1\n"
                             "P > poll 3:in -1\n"
                             "? wait P = no\n"},
      {"epoll", "P start\n"
                "P pipe = 0 3 4\n"
                "P epoll_create 0 = 5\n"
                "P epoll_ctl 5 add 3 in = 0\n" FORK("P", "P.1") "P close 4 = 0\n"
                                                                "P > epoll_wait 5 -1\n"
                                                                "? wait P = READY P.1\n"
                                                                "P.1 write 4 \"x\" = 1\n"
                                                                "? wait P = no\n"
                                                                "P < 1\n"
                                                                "P epoll_ctl 5 del 3 in = 0\n"
                                                                "P > epoll_wait 5 -1\n"
                                                                "? wait P = READY\n"},
      {"nonblocking never waits", "P start\n"
                                  "P pipe nonblock = 0 3 4\n"
                                  "P > read 3 10\n"
                                  "? wait P = no\n"
                                  "P < EAGAIN\n"},
      {"one of two writers can move",
       "P start\n"
       "P pipe = 0 3 4\n" FORK("P", "P.1") FORK("P", "P.2") "P > read 3 1\n"
                                                            "P.1 > pause\n"
                                                            "P.2 > nanosleep 1\n"
                                                            "? hopeless = \n"
                                                            "P.2 < 0\n"
                                                            "P.2 ended 0\n"
                                                            "? hopeless = P P.1\n"
                                                            "? stuck = 1\n"},
};

static void test_signals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        play(signals[i].title, signals[i].script);
}

static void test_waits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        play(waits[i].title, waits[i].script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
