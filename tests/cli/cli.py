"""The command line, as a user meets it: help, bad input in one clear line, exit statuses.

usage: cli.py IPCLAB
"""
import os
import subprocess
import sys
import tempfile
import unittest

IPCLAB = sys.argv.pop(1)


def ipclab(*args, **kwargs):
    return subprocess.run([IPCLAB, *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          check=False, **kwargs)


class OneClearLine(unittest.TestCase):
    def refused(self, *args, says, status=2):
        done = ipclab(*args)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertIn(says, done.stderr)

    def test_unknown_command(self):
        self.refused("frobnicate", says="no command 'frobnicate'")

    def test_no_command_to_trace(self):
        self.refused("trace", says="no command was given")

    def test_bad_numbers(self):
        self.refused("trace", "--timeout", "soon", "--", "true", says="'soon'")
        self.refused("trace", "--timeout", "-1", "--", "true", says="'-1'")
        self.refused("trace", "--payload", "0", "--", "true", says="'0'")

    def test_command_not_found(self):
        self.refused("trace", "--", "/no/such/program", says="/no/such/program", status=127)
        self.refused("trace", "--", "no-such-program-anywhere", says="no-such-program-anywhere", status=127)

    def test_command_not_executable(self):
        self.refused("trace", "--", "/etc/passwd", says="/etc/passwd", status=126)

    def test_missing_recording(self):
        self.refused("view", "/no/such/file", says="/no/such/file")
        self.refused("view", says="no recording was named")

    def test_not_a_recording(self):
        self.refused("view", "/etc/passwd", says="/etc/passwd")

    def test_unwritable_recording(self):
        self.refused("trace", "-o", "/no/such/folder/x", "--", "true", says="/no/such/folder/x")

    def test_unknown_lab_variant_knob_exercise(self):
        self.refused("run", "no-such-lab", says="no-such-lab")
        self.refused("run", "pipe-eof", "--variant", "purple", says="no variant 'purple'")
        self.refused("run", "pipe-eof", "--knob", "colour=red", says="colour=red")
        self.refused("grade", "no-such-exercise", says="no-such-exercise")
        self.refused("grade", "pipe-eof", "/no/such/file.c", says="/no/such/file.c")
        self.refused("verify", "no-such-exercise", says="no-such-exercise")


class Help(unittest.TestCase):
    def test_help(self):
        for args in (["--help"], ["-h"], ["help"]):
            done = ipclab(*args)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for name in ("list", "run", "trace", "view", "grade", "verify", "doctor"):
                self.assertIn(f"ipclab {name}", done.stdout)

    def test_help_of_each_command(self):
        for name in ("list", "run", "trace", "view", "grade", "verify", "doctor"):
            done = ipclab(name, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertIn(f"ipclab {name}", done.stdout)

    def test_version(self):
        self.assertRegex(ipclab("--version").stdout, r"^ipclab \d+\.\d+\.\d+$")


class Trace(unittest.TestCase):
    def test_status_is_the_commands_own(self):
        for status in (0, 1, 77, 255):
            self.assertEqual(ipclab("trace", "--quiet", "--", "sh", "-c", f"exit {status}").returncode, status)

    def test_dies_as_the_command_died(self):
        self.assertEqual(ipclab("trace", "--quiet", "--", "sh", "-c", "kill -TERM $$").returncode, -15)

    def test_streams_are_the_commands_own(self):
        done = ipclab("trace", "--quiet", "--", "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))

    def test_explains_a_pipeline(self):
        done = ipclab("trace", "--", "sh", "-c", "yes | head -n 1000 | wc -l")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "1000"))
        self.assertIn("2 pipes", done.stderr)
        self.assertIn("killed by SIGPIPE", done.stderr)
        self.assertRegex(done.stderr, r"sigpipe-death \(normal here\)")

    def test_stuck_is_told_at_once(self):
        # The shell itself holds the write end of the FIFO that its child reads, and waits for the child.
        with tempfile.TemporaryDirectory() as folder:
            script = "mkfifo f; exec 3<>f; cat <f & exec 3>&3; wait"
            done = ipclab("trace", "--", "sh", "-c", script, cwd=folder)
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn("did not end by itself", done.stderr)

    def test_time_limit(self):
        done = ipclab("trace", "--timeout", "0.3", "--", "sleep", "100")
        self.assertEqual(done.returncode, 124, done.stderr)

    def test_interrupt_keeps_what_was_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/run"
            run = subprocess.Popen([IPCLAB, "trace", "-o", path, "--quiet", "--", "sh", "-c", "echo ready; sleep 100; :"],
                                   stdout=subprocess.PIPE, text=True)
            self.assertEqual(run.stdout.readline(), "ready\n")
            run.send_signal(2)
            self.assertEqual(run.wait(timeout=30), 130)
            run.stdout.close()
            seen = ipclab("view", "--text", path)
        self.assertEqual(seen.returncode, 0, seen.stderr)
        self.assertIn('write(1, "ready\\n"', seen.stdout)

    def test_truncated_recording_opens(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/run"
            ipclab("trace", "-o", path, "--quiet", "--", "sh", "-c", "seq 1000 | cat | wc -l")
            os.truncate(path, os.path.getsize(path) * 2 // 3)
            seen = ipclab("view", "--summary", path)
        self.assertEqual(seen.returncode, 0, seen.stderr)
        self.assertIn("damaged", seen.stdout)

    def test_no_terminal_no_runner(self):
        done = ipclab()
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


unittest.main()
