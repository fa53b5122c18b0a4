"""ipclab explore, replay, run --schedule, trace --schedule, as a user meets them.

usage: explore.py IPCLAB FOLDER-OF-BUGS FOLDER-OF-PROGRAMS
"""
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAMS = sys.argv.pop()
BUGS = sys.argv.pop()
IPCLAB = sys.argv.pop()
STEPS_MAX = 6


def shared_memory():
    """Files that a run could leave there."""
    return {name for name in os.listdir("/dev/shm") if "ipclab" in name}


def descendants(pid):
    done = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = dict(map(int, line.split()) for line in done.stdout.splitlines())
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.temporary = f"{self.folder}/temporary"
        os.mkdir(self.temporary)
        self.env = {**os.environ, "TMPDIR": self.temporary}

    def ipclab(self, *args, status=None):
        done = subprocess.run([IPCLAB, *args], capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL,
                              cwd=self.folder, env=self.env, check=False)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def explore(self, name, *options, status, folder=BUGS):
        """Explores one of the collection's programs; its schedule is written to `folder`/found."""
        shutil.copy(f"{folder}/{name}.c", self.folder)
        done = self.ipclab("explore", "--seed", "1", "-o", "found", *options, f"{name}.c", status=status)
        self.assertEqual(done.stderr, "")
        self.assertEqual(os.listdir(self.temporary), [])
        return done.stdout

    def write(self, text, name="mine"):
        with open(f"{self.folder}/{name}", "wb" if isinstance(text, bytes) else "w") as file:
            file.write(text)
        return name

    def read(self, name):
        with open(f"{self.folder}/{name}", encoding="utf-8") as file:
            return file.read()


class Correct(Case):
    def test_all_classes(self):
        text = self.explore("toctou-twin", status=0)
        self.assertRegex(text, r"^all \d+ classes explored \(\d+ runs, ")
        self.assertFalse(os.path.exists(f"{self.folder}/found"))

    def test_classes_are_the_same_every_time(self):
        counts = {re.match(r"all (\d+)", self.explore("lost-signal-twin", "--faults", "none", "--seed", str(seed), status=0)).group(1)
                  for seed in (1, 2, 3)}
        self.assertEqual(len(counts), 1)

    def test_expected_status(self):
        self.write("int main(void) { return 3; }\n", "three.c")
        self.assertIn("exited with 3", self.ipclab("explore", "--faults", "none", "three.c", status=1).stdout)
        self.ipclab("explore", "--faults", "none", "--status", "3", "three.c", status=0)

    def test_budget_of_runs(self):
        self.assertIn("(5 runs, ", self.explore("toctou-twin", "--budget", "5", status=0))

    def test_budget_of_time(self):
        begun = time.monotonic()
        text = self.explore("toctou-twin", "--budget", "1s", status=0)
        self.assertGreater(time.monotonic() - begun, 1)
        self.assertRegex(text, r"\(\d+ runs, 1\.\d s\)")


class Failing(Case):
    def story(self, text):
        """The numbered lines."""
        lines = re.findall(r"^  (\d+)\. (.*)$", text, re.M)
        self.assertEqual([int(number) for number, _ in lines], list(range(1, len(lines) + 1)))
        self.assertGreaterEqual(len(lines), 2, text)
        self.assertLessEqual(len(lines), STEPS_MAX, text)
        return [line for _, line in lines]

    def found(self, name, *options, shows):
        text = self.explore(name, *options, status=1)
        self.assertEqual(text.splitlines()[0], shows)
        self.assertRegex(text, r"found by .* after \d+ runs?, ")
        self.assertIn("see it: ipclab replay found\n", text)
        schedule = self.read("found")
        self.assertTrue(schedule.startswith(f"# {shows}\nipclab-schedule 1\nfor: {name}.c\n"), schedule)
        self.assertTrue(schedule.endswith("\nthen: parent first\n"), schedule)
        for _ in range(3):
            again = self.ipclab("replay", "found", "--summary", status=0)
            self.assertEqual(again.stdout.splitlines()[0], shows)
            self.assertEqual(again.stderr, "")
        return text

    def test_lost_signal(self):
        text = self.found("lost-signal", shows="deadlock: nobody can move any more")
        story = self.story(text)
        self.assertRegex(story[-3], r"^P\.1: kill\(\d+, SIGUSR1\) = 0 \(lost-signal\.c:\d+\).*<- from here on it cannot end well")
        self.assertRegex(story[-2], r"^P: pause\(\) .* sleeps in it for ever")
        self.assertEqual(story[-1], "P waits in pause for a signal that nobody is left to send")
        again = self.ipclab("replay", "found", "--summary", status=0).stdout
        self.assertIn("did not end by itself: deadlock", again)
        self.assertIn("deadlock: P waits in pause for a signal", again)

    def test_time_of_check(self):
        story = self.story(self.found("toctou", shows="status: the command exited with 1"))
        looks = [line for line in story if re.match(r'P\.[12]: access\("owner"\) = -1 ENOENT', line)]
        self.assertEqual(len(looks), 2, story)

    def test_a_sleep_is_no_synchronisation(self):
        text = self.found("sleep-sync", shows="status: the command exited with 1")
        self.assertIn("has waited long enough: clock_nanosleep", text)
        self.assertIn(" timeout ", self.read("found"))

    def test_in_fair_time_the_sleep_is_long_enough(self):
        self.assertRegex(self.explore("sleep-sync", "--time", "fair", status=0), r"^all \d+ class")

    def test_a_fault(self):
        text = self.found("fork-fails", shows=self.shows("fork-fails"))
        self.assertIn("fault", text)
        self.assertRegex(self.read("found"), r"(?m)^fault P\S* \d+ error=EAGAIN$")

    def shows(self, name):
        return self.explore(name, status=1).splitlines()[0]

    def test_a_lab(self):
        text = self.ipclab("explore", "-o", "found", "pipe-deadlock", status=1).stdout
        self.assertTrue(text.startswith("deadlock: nobody can move any more\n"), text)
        self.assertIn("for: pipe-deadlock broken\n", self.read("found"))
        self.assertIn("deadlock", self.ipclab("replay", "found", "--summary", status=0).stdout)
        shown = self.ipclab("run", "pipe-deadlock", "--schedule", "found", "--summary", status=0)
        self.assertIn("did not end by itself: deadlock", shown.stdout)
        self.assertEqual(shown.stderr, "")

    def test_arguments_are_kept(self):
        self.write("#include <string.h>\nint main(int c, char **v) { return c > 2 && strcmp(v[2], \"b=1\") == 0; }\n", "args.c")
        self.ipclab("explore", "-o", "found", "args.c", "a", "b=1", status=1)
        self.assertIn("\nfor: args.c a b=1\n", self.read("found"))
        self.assertIn("exited with 1", self.ipclab("replay", "found", "--summary", status=0).stdout)

    def test_recording_of_a_replay(self):
        self.found("lost-signal", shows="deadlock: nobody can move any more")
        self.assertEqual(self.ipclab("replay", "-o", "run", "found", status=0).stdout, "")
        self.assertIn("pause()", self.ipclab("view", "--text", "run", status=0).stdout)


class NotRepeatable(Case):
    def test_is_no_failure(self):
        for seed in range(5):
            text = self.explore("coin", "--budget", "60", "--seed", str(seed), status=0, folder=PROGRAMS)
            self.assertRegex(text, r"^not repeatable: the same schedule gave two runs: move (\d+) was P \1 go \((\w+)\), "
                                   r"and then P \1 go \((?!\2)\w+\)\n")
            self.assertIn("nothing can be claimed", text)
            self.assertNotIn("classes", text)
            self.assertFalse(os.path.exists(f"{self.folder}/found"))


class BadSchedule(Case):
    HEAD = "ipclab-schedule 1\nfor: pipe-eof broken\n"

    def refused(self, text, *says):
        self.write(text)
        for command in (("replay", "mine"), ("trace", "--schedule", "mine", "--", "true"),
                        ("run", "pipe-eof", "--schedule", "mine", "--summary")):
            done = self.ipclab(*command, status=2)
            self.assertEqual(done.stdout, "")
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertTrue(done.stderr.isprintable() or done.stderr[:-1].isprintable(), done.stderr)
            for word in says:
                self.assertIn(word, done.stderr)

    def test_each_mistake(self):
        for line, says in (("Q 1", 'no task is called "Q"; write P for the command'),
                           ("P.. 1", 'no task is called "P.."'), ("P.1. 1", 'no task is called "P.1."'),
                           ("P.0 1", 'no task is called "P.0"'),
                           ("P one", 'not the number of a call: "one"'), ("P 0", 'not the number of a call: "0"'),
                           ("P -1", 'not the number of a call: "-1"'), ("P", 'not the number of a call: ""'),
                           ("P 99999999999", "not the number of a call"), ("P 1 fly", 'no move is called "fly"'),
                           ("P 1 go on", 'no move is called "on"'),
                           ("fault P 1 melt", 'no fault is called "melt"; write error=EMFILE'),
                           ("fault P 1 error=EBAD", 'no fault is called "error=EBAD"'),
                           ("fault P 1 kill=3", 'no fault is called "kill=3"'), ("fault P 1 error", 'no fault is called "error"'),
                           ("fault P 1", 'incomplete: "fault"'), ("hold P til P.1 ends", 'incomplete: "hold"; write hold P until'),
                           ("order: P.1 Q", 'no task is called "Q"'), ("time: soon", 'no such time: "soon"; write fair or any'),
                           ("then: chaos", 'no strategy is called "chaos"; write parent first'),
                           ("then: urw x", 'no strategy is called "urw x"'),
                           ("then: urw 99999999999999999999999", "no strategy is called")):
            with self.subTest(line):
                self.refused(f"{self.HEAD}{line}\n", "mine:3: ", says)

    def test_another_version(self):
        self.refused("ipclab-schedule 2\n", "mine:1: ", 'version 1, not "2"')

    def test_cut_off_in_a_line(self):
        self.refused(f"{self.HEAD}P 1\nP", "mine:4: ")
        self.refused(f"{self.HEAD}fault P 1 err", "mine:3: ")

    def test_something_else(self):
        self.refused("root:x:0:0:root:/root:/bin/sh\n", "mine:1: ")
        self.refused(os.urandom(5000) + b"\0", "mine", "not text")
        with open(IPCLAB, "rb") as file:
            self.refused(file.read(20000), "mine", "not text")

    def test_missing(self):
        for args in (["replay", "nowhere"], ["trace", "--schedule", "nowhere", "--", "true"]):
            done = self.ipclab(*args, status=2)
            self.assertIn("nowhere: No such file", done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_does_not_say_what_for(self):
        self.write("ipclab-schedule 1\nP 1\n")
        done = self.ipclab("replay", "mine", status=2)
        self.assertIn("replay mine: it does not say what for; name the program", done.stderr)

    def test_for_another_program(self):
        self.explore("toctou", status=1)
        shutil.copy(f"{BUGS}/lost-signal.c", self.folder)
        done = self.ipclab("replay", "found", "--summary", "lost-signal.c", status=1)
        self.assertRegex(done.stderr, r"^ipclab: the run diverged: step \d+ of the schedule is P\S* \d+ go .*, but to be had is .*\n$")
        self.assertEqual(done.stdout, "")
        done = self.ipclab("run", "pipe-eof", "--schedule", "found", "-o", "run", status=1)
        self.assertIn("the run diverged", done.stderr)
        lenient = self.ipclab("replay", "found", "--summary", "--lenient", "lost-signal.c")
        self.assertIn("2 processes", lenient.stdout)


class BadUsage(Case):
    def test_one_clear_line(self):
        for args, says in ((["explore"], "nothing was named"), (["explore", "--budget", "x", "y"], "--budget takes"),
                           (["explore", "--budget", "0", "y"], "--budget takes"), (["explore", "--budget", "-1s", "y"], "--budget takes"),
                           (["explore", "--seed", "x", "y"], "--seed takes"), (["explore", "--time", "x", "y"], "--time takes"),
                           (["explore", "--status", "256", "y"], "--status takes"), (["explore", "no-such-lab"], "no-such-lab"),
                           (["explore", "./nothing"], "run ./nothing: No such file"), (["explore", "/etc/passwd"], "/etc/passwd: Permission"),
                           (["explore", "nothing.c"], "nothing.c: No such file"), (["replay"], "no schedule was named"),
                           (["explore", "--variant", "purple", "pipe-eof"], "purple")):
            with self.subTest(args):
                done = self.ipclab(*args, status=2)
                self.assertEqual((done.stdout, len(done.stderr.splitlines())), ("", 1), done.stderr)
                self.assertIn(says, done.stderr)


class Terminal(Case):
    """Standard error is a terminal: it tells how far it is."""

    def watch(self, *args):
        """The process, and the terminal that it writes to."""
        master, slave = pty.openpty()
        run = subprocess.Popen([IPCLAB, "explore", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave,
                               text=True, cwd=self.folder, env=self.env,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        os.close(slave)
        self.addCleanup(os.close, master)
        return run, master

    def test_a_budget_of_time_is_shared_out(self):
        shutil.copy(f"{PROGRAMS}/crowd.c", self.folder)
        run, master = self.watch("--budget", "3s", "crowd.c")
        seen = ""
        try:
            while block := os.read(master, 4096):
                seen += block.decode()
        except OSError: # the other side is closed
            pass
        out, _ = run.communicate(timeout=30)
        self.assertEqual(run.returncode, 0, out)
        self.assertRegex(out, r"^\d+ schedules sampled, no failure")
        for phase in ("all orders that differ", "random orders", "faults(, one at a time| in random orders)"):
            self.assertRegex(seen, phase + r": \d+ runs, \d+ a second")

    def test_nothing_is_left_after_an_interrupt(self):
        shutil.copy(f"{BUGS}/toctou-twin.c", self.folder)
        before = shared_memory()
        run, master = self.watch("--budget", "90s", "toctou-twin.c")
        seen = ""
        while "random orders" not in seen and "faults" not in seen and "all orders" not in seen:
            seen += os.read(master, 4096).decode()
        self.assertRegex(seen, r"canonical runs|all orders that differ: \d+ runs, \d+ a second")
        family = descendants(run.pid)
        self.assertTrue(family)
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=30)
        self.assertEqual((run.returncode, out), (130, ""))
        self.assertEqual([pid for pid in family if is_alive(pid)], [])
        self.assertEqual(shared_memory() - before, set())
        self.assertEqual(os.listdir(self.temporary), [])


unittest.main()
