/* Births, exec, deaths, waiting for children, groups; descriptor tables and descriptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "play.h"

#define FORK(parent, child) parent " > fork\n" child " start " parent "\n" parent " < @" child "\n"

struct script_case {
    const char *title;
    const char *script;
};

static const struct script_case lives[] = {
    {"fork, exit, zombie, wait", "P start\n" FORK("P", "P.1") "? state P.1 = running\n"
                                                              "? parent P.1 = P\n"
                                                              "P.1 > exit_group 3\n"
                                                              "P.1 dying 768\n"
                                                              "? state P.1 = exiting\n"
                                                              "P.1 ended 768\n"
                                                              "? state P.1 = zombie\n"
                                                              "? status P.1 = 768\n"
                                                              "P wait -1 = @P.1 768\n"
                                                              "? state P.1 = reaped\n"
                                                              "? reaper P.1 = P\n"},
    {"wait is seen before the end", "P start\n" FORK("P", "P.1") "P.1 dying 0\n"
                                                                 "P wait -1 = @P.1 0\n"
                                                                 "? state P.1 = reaped\n"
                                                                 "P.1 ended 0\n"},
    {"SIGCHLD ignored: no zombie",
     "P start\n"
     "P sigaction 17 ignore = 0\n" FORK("P", "P.1") "P.1 ended 0\n"
                                                    "? state P.1 = reaped\n"
                                                    "? pending P = 0x0\n"
                                                    "P wait -1 = ECHILD\n"},
    {"SA_NOCLDWAIT: no zombie",
     "P start\n"
     "P sigaction 17 handler nocldwait = 0\n" FORK("P", "P.1") "P.1 ended 0\n"
                                                               "? state P.1 = reaped\n"
                                                               "? pending P = 0x10000\n"},
    {"an orphan goes outside",
     "P start\n" FORK("P", "P.1") FORK("P.1", "P.1.1") "P.1 ended 0\n"
                                                       "? parent P.1.1 = somebody outside\n"
                                                       "P.1.1 ended 0\n"
                                                       "? state P.1.1 = reaped\n"},
    {"an orphan goes to the subreaper",
     "P start\n"
     "P subreaper 1 = 0\n" FORK("P", "P.1") FORK("P.1", "P.1.1") "P.1 ended 0\n"
                                                                 "? parent P.1.1 = P\n"
                                                                 "P.1.1 ended 0\n"
                                                                 "? state P.1.1 = zombie\n"},
    {"a zombie whose parent ends",
     "P start\n" FORK("P", "P.1") FORK("P.1", "P.1.1") "P.1.1 ended 0\n"
                                                       "? state P.1.1 = zombie\n"
                                                       "P.1 ended 0\n"
                                                       "? state P.1.1 = reaped\n"},
    {"names",
     "P start\n" FORK("P", "P.1") FORK("P", "P.2") FORK("P.2", "P.2.1") "? parent P.2.1 = P.2\n"},
    {"threads", "P start\n"
                "P > fork thread\n"
                "T start P thread\n"
                "P < @T\n"
                "? tasks P = 2\n"
                "T > exit 0\n"
                "T dying 0\n"
                "? state P = running\n"
                "T gone 0\n"
                "? tasks P = 1\n"
                "P dying 0\n"
                "? state P = exiting\n"},
    {"the leader ends first", "P start\n"
                              "P > fork thread\n"
                              "T start P thread\n"
                              "P < @T\n"
                              "P dying 0\n"
                              "? state P = running\n"
                              "T dying 0\n"
                              "T gone 0\n"
                              "P ended 0\n"
                              "? state P = reaped\n"},
    {"exec in a thread", "P start\n"
                         "P pipe cloexec = 0 3 4\n"
                         "P > fork thread\n"
                         "T start P thread\n"
                         "P < @T\n"
                         "P > pause\n"
                         "T > execve /bin/true\n"
                         "P exec @T\n"
                         "? tasks P = 1\n"
                         "? fds P = \n"
                         "? wait P = no\n"
                         "P exit_group 0\n"
                         "P ended 0\n"
                         "? state P = reaped\n"},
    {"vfork", "P start\n"
              "P > fork vfork\n"
              "P.1 start P vfork\n"
              "? wait P = VFORK P.1\n"
              "P.1 > execve /bin/true\n"
              "P.1 exec\n"
              "? wait P = no\n"
              "P < @P.1\n"},
    {"vfork that ends without exec", "P start\n"
                                     "P > fork vfork\n"
                                     "P.1 start P vfork\n"
                                     "P.1 ended 0\n"
                                     "P < @P.1\n"
                                     "? wait P = no\n"},
    {"CLONE_PARENT", "P start\n" FORK("P", "P.1") "P.1 > fork parent\n"
                                                  "P.1.1 start P.1 parent\n"
                                                  "P.1 < @P.1.1\n"
                                                  "? parent P.1.1 = P\n"},
    {"groups",
     "P start\n" FORK("P", "P.1") "P setpgid @P.1 0 = 0\n"
                                  "? group P.1 = 101\n"
                                  "P setsid = @P\n"
                                  "? group P = 100\n" FORK("P", "P.2") "? group P.2 = 100\n"},
    {"numbers inside a namespace", "P start own 1\n"
                                   "P > fork\n"
                                   "P.1 start P\n"
                                   "P < 3\n"
                                   "P kill 3 10 = 0\n"
                                   "? pending P.1 = 0x200\n"
                                   "P.1 ended 10\n"
                                   "P wait 3 = 3 10\n"
                                   "? state P.1 = reaped\n"},
    {"a thread is signalled inside a namespace", "P start own 1\n"
                                                 "P > fork thread\n"
                                                 "T start P thread\n"
                                                 "P < 3\n"
                                                 "P tgkill 1 3 10 = 0\n"
                                                 "? pending P = 0x0\n"
                                                 "? pending T = 0x200\n"
                                                 "T signal 10\n"
                                                 "? pending T = 0x0\n"
                                                 "T > tgkill 1 1 12\n"
                                                 "P signal 12\n"
                                                 "T < 0\n"
                                                 "? pending P = 0x0\n"},
    {"stopped and continued", "P start\n" FORK("P", "P.1") "P.1 stop 19\n"
                                                           "? state P.1 = stopped running\n"
                                                           "? wait P.1 = STOPPED P\n"
                                                           "P wait -1 untraced = @P.1 4991\n"
                                                           "? state P.1 = stopped running\n"
                                                           "P.1 resume\n"
                                                           "? state P.1 = running\n"},
    {"SIGCHLD is seen before the stop that it tells of",
     "P start\n"
     "P sigaction 17 handler = 0\n" FORK("P", "P.1") "P signal 17 stopped @P.1\n"
                                                     "P.1 stop 19\n"
                                                     "? pending P = 0x0\n"
                                                     "P.1 resume\n"
                                                     "? pending P = 0x10000\n"
                                                     "P signal 17 continued @P.1\n"
                                                     "? pending P = 0x0\n"
                                                     "P.1 stop 19\n"
                                                     "? pending P = 0x10000\n"
                                                     "P signal 17 stopped @P.1\n"
                                                     "P signal 17 continued @P.1\n"
                                                     "P.1 resume\n"
                                                     "? pending P = 0x0\n"},
    {"nobody saw its fork: what it began with is not known", "P start\n"
                                                             "Q start\n"
                                                             "Q dup 7 = 8\n"
                                                             "Q read 9 1 = 0\n"
                                                             "Q close 9 = 0\n"
                                                             "P close 9 = EBADF\n"},
    {"a number is used again", "P start\n" FORK("P", "P.1") "P.1 ended 0\n"
                                                            "P wait -1 = @P.1 0\n"
                                                            "P > fork\n"
                                                            "P.1 start P\n"
                                                            "P < @P.1\n"
                                                            "? state P.1 = reaped\n"
                                                            "? state P.2 = running\n"},
    {"a child outside is no child", "P start\nP wait -1 = 77 0\n? anomalies = 1\n"},
};

static const struct script_case descriptors[] = {
    {"dup2 closes what was there", "P start\n"
                                   "P pipe = 0 3 4\n"
                                   "P dup2 4 3 = 3\n"
                                   "? fds P = 3 4\n"
                                   "? ends 1 = 0 1\n"
                                   "P dup2 4 4 = 4\n"
                                   "? fds P = 3 4\n"},
    {"dup shares, open does not", "P start\n"
                                  "P open /tmp/a read = 3 file 5\n"
                                  "P dup 3 = 4\n"
                                  "P open /tmp/a read = 5 file 5\n"
                                  "P read 3 10 = 10\n"
                                  "? offset P 4 = 10\n"
                                  "? offset P 5 = 0\n"
                                  "P lseek 4 100 0 = 100\n"
                                  "? offset P 3 = 100\n"},
    {"fork shares offsets, not tables",
     "P start\n"
     "P open /tmp/a read = 3 file 5\n" FORK("P", "P.1") "P.1 read 3 10 = 10\n"
                                                        "? offset P 3 = 10\n"
                                                        "P.1 close 3 = 0\n"
                                                        "? fds P = 3\n"
                                                        "? fds P.1 = \n"},
    {"CLONE_FILES shares the table", "P start\n"
                                     "P > fork files\n"
                                     "P.1 start P files\n"
                                     "P < @P.1\n"
                                     "P.1 pipe = 0 3 4\n"
                                     "? fds P = 3 4\n"
                                     "P.1 ended 0\n"
                                     "? ends 1 = 1 1\n"},
    {"exec unshares the table", "P start\n"
                                "P pipe cloexec = 0 3 4\n"
                                "P > fork files\n"
                                "P.1 start P files\n"
                                "P < @P.1\n"
                                "P.1 > execve /bin/true\n"
                                "P.1 exec\n"
                                "? fds P = 3c 4c\n"
                                "? fds P.1 = \n"},
    {"close-on-exec", "P start\n"
                      "P pipe = 0 3 4\n"
                      "P fcntl setfd 3 1 = 0\n"
                      "? fds P = 3c 4\n"
                      "P dup 3 = 5\n"
                      "? fds P = 3c 4 5\n"
                      "P > execve /bin/true\n"
                      "P exec\n"
                      "? fds P = 4 5\n"},
    {"a failed exec closes nothing", "P start\n"
                                     "P pipe cloexec = 0 3 4\n"
                                     "P execve /none = ENOENT\n"
                                     "? fds P = 3c 4c\n"},
    {"F_DUPFD and close_range", "P start\n"
                                "P pipe = 0 3 4\n"
                                "P fcntl dupfd 3 10 = 10\n"
                                "? fds P = 3 4 10\n"
                                "P close_range 4 4294967295 0 = 0\n"
                                "? fds P = 3\n"
                                "P close_range 3 3 4 = 0\n"
                                "? fds P = 3c\n"},
    {"a failed close closes nothing", "P start\n"
                                      "P close 3 = EBADF\n"
                                      "P pipe = 0 3 4\n"
                                      "P close 3 = EINTR\n"
                                      "? fds P = 4\n"},
    {"another thread's pipe is used before it returned", "P start\n"
                                                         "P > fork thread\n"
                                                         "T start P thread\n"
                                                         "P < @T\n"
                                                         "P > pipe\n"
                                                         "w: T write 1 \"x\" = 1\n"
                                                         "? fds P = 0 1\n"
                                                         "? fill 1 = 1\n"
                                                         "P < 0 0 1\n"
                                                         "? fds P = 0 1\n"},
    {"a number is given out again before the close that freed it returned",
     "P start\n"
     "P pipe = 0 3 4\n"
     "P > fork thread\n"
     "T start P thread\n"
     "P < @T\n"
     "P > close 4\n"
     "T open /tmp/a read = 4 file 5\n"
     "P < 0\n"
     "? fds P = 3 4\n"
     "? ends 1 = 1 0\n"},
    {"a read keeps open what another thread closes", "P start\n"
                                                     "P pipe = 0 3 4\n"
                                                     "P > fork thread\n"
                                                     "T start P thread\n"
                                                     "P < @T\n"
                                                     "T > read 3 10\n"
                                                     "P close 3 = 0\n"
                                                     "? ends 1 = 1 1\n"
                                                     "P write 4 \"x\" = 1\n"
                                                     "T < 1 \"x\"\n"
                                                     "? ends 1 = 0 1\n"},
    {"a fork while another thread opens: what the child got shows by its use",
     "P start\n"
     "P > fork thread\n"
     "T start P thread\n"
     "P < @T\n"
     "T > pipe\n"
     "P > fork\n"
     "P.1 start P\n"
     "T < 0 3 4\n"
     "? fds P.1 = \n"
     "P.1 close 4 = 0\n"
     "w: P write 4 \"x\" = 1\n"
     "P.1 read 3 1 = 1 \"x\"\n"
     "? flows = w:0+1\n"
     "? fds P.1 = 3\n"
     "P < @P.1\n"},
    {"a fork while another thread closes", "P start\n"
                                           "P pipe = 0 3 4\n"
                                           "P > fork thread\n"
                                           "T start P thread\n"
                                           "P < @T\n"
                                           "T > close 4\n"
                                           "P > fork\n"
                                           "P.1 start P\n"
                                           "P < @P.1\n"
                                           "T < 0\n"
                                           "? fds P.1 = 3 4\n"
                                           "P.1 close 4 = EBADF\n"
                                           "? fds P.1 = 3\n"},
    {"an interrupted read, its descriptor closed by the handler", "P start\n"
                                                                  "P pipe = 0 3 4\n"
                                                                  "P open /tmp/a read = 5 file 6\n"
                                                                  "P sigaction 10 handler = 0\n"
                                                                  "P > read 5 10\n"
                                                                  "P signal 10\n"
                                                                  "P close 5 = 0\n"
                                                                  "P open /tmp/b read = 5 file 7\n"
                                                                  "P > sigreturn\n"
                                                                  "P < EINTR\n"
                                                                  "P < EINTR\n"
                                                                  "? offset P 5 = 0\n"},
    {"a copy of a descriptor that nobody saw opened", "P start\n"
                                                      "P dup 7 = 8\n"
                                                      "? anomalies = 1\n"
                                                      "? fds P = 8\n"},
    {"a write to what is not open is the program's error, not ours", "P start\n"
                                                                     "P write 7 \"x\" = EBADF\n"
                                                                     "P close 7 = EBADF\n"
                                                                     "P read 7 1 = EBADF\n"
                                                                     "? fds P = \n"},
    {"a FIFO by name and by inode",
     "P start\n"
     "P mkfifo /tmp/d/p = 0\n" FORK("P", "P.1") "P > open p read\n"
                                                "? wait P = FIFO_WRITER P.1\n"
                                                "P.1 > open /tmp/d/p write\n"
                                                "? wait P = no\n"
                                                "P.1 < 3 fifo 8\n"
                                                "P < 3 fifo 8\n"
                                                "? ends f1 = 1 1\n"
                                                "w: P.1 write 3 \"hi\" = 2\n"
                                                "P read 3 9 = 2 \"hi\"\n"
                                                "? flows = w:0+2\n"
                                                "P.1 close 3 = 0\n"
                                                "P read 3 9 = 0\n"},
    {"a FIFO that nobody had named", "P start\n"
                                     "P > open /tmp/q write\n"
                                     "P asleep\n"
                                     "? wait P = FIFO_READER outside\n"
                                     "P < 3 fifo 9\n"
                                     "? ends f1 = 0 1\n"},
    {"/dev/fd opens the pipe anew", "P start\n"
                                    "P pipe = 0 3 4\n"
                                    "P open /dev/fd/4 write = 5\n"
                                    "? ends 1 = 1 2\n"},
    {"/dev/fd is opened while another thread closes", "P start\n"
                                                      "P open /tmp/a read = 3 file 5\n"
                                                      "P > fork thread\n"
                                                      "T start P thread\n"
                                                      "P < @T\n"
                                                      "P > open /dev/fd/3 read\n"
                                                      "T close 3 = 0\n"
                                                      "P < ENOENT\n"},
    {"O_APPEND: the offset is not known", "P start\n"
                                          "P open /tmp/a write append = 3 file 5\n"
                                          "P write 3 \"abc\" = 3\n"
                                          "? offset P 3 = -1\n"},
    {"O_PATH is no end", "P start\n"
                         "P mkfifo /tmp/p = 0\n"
                         "P open /tmp/p path = 3 fifo 8\n"
                         "? ends f1 = 0 0\n"
                         "P open /tmp/p rdwr = 4 fifo 8\n"
                         "? ends f1 = 1 1\n"
                         "P close 3 = 0\n"
                         "? ends f1 = 1 1\n"},
    {"killed in a handler's write, in a read", "P start\n"
                                               "P pipe = 0 3 4\n"
                                               "P sigaction 10 handler = 0\n"
                                               "P > read 3 10\n"
                                               "P signal 10\n"
                                               "P > write 4 x*70000\n"
                                               "P dying 9\n"
                                               "? known 1 = 0\n"},
    {"numbers that no kernel gives", "P start\n"
                                     "P has -1 read file 5\n"
                                     "P pipe = 0 -3 4\n"
                                     "? fds P = \n"
                                     "? anomalies = 1\n"},
    {"two writes at the same time move the offset twice; of a memfd, who knows",
     "P start\n"
     "P open /tmp/a write = 3 file 5\n"
     "P memfd 0 0 = 4\n" FORK("P", "P.1") "P > write 3 \"x\"\n"
                                          "P.1 write 3 \"y\" = 1\n"
                                          "P < 1\n"
                                          "? offset P 3 = 2\n"
                                          "P write 4 \"x\" = 1\n"
                                          "P.1 write 4 \"y\" = 1\n"
                                          "? offset P 4 = 2\n"
                                          "P > write 4 \"x\"\n"
                                          "P.1 write 4 \"y\" = 1\n"
                                          "P < 1\n"
                                          "? offset P 4 = -1\n"
                                          "P lseek 4 0 1 = 3\n"
                                          "? offset P 4 = 3\n"},
    {"an offset beyond all offsets", "P start\n"
                                     "P open /tmp/a read = 3 file 5\n"
                                     "P lseek 3 0 2 = 9223372036854775807\n"
                                     "P read 3 10 = 7\n"
                                     "? offset P 3 = -1\n"},
    {"inherited descriptors that share", "P start\n"
                                         "P has 0 rdwr tty 3\n"
                                         "P has 1 rdwr tty 3 0\n"
                                         "P has 2 rdwr tty 3\n"
                                         "? fds P = 0 1 2\n"
                                         "P close 0 = 0\n"
                                         "? fds P = 1 2\n"},
};

static void play_all(const struct script_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        play(cases[i].title, cases[i].script);
}

static void test_lives(void **state)
{
    (void)state;
    play_all(lives, sizeof lives / sizeof *lives);
}

static void test_descriptors(void **state)
{
    (void)state;
    play_all(descriptors, sizeof descriptors / sizeof *descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
