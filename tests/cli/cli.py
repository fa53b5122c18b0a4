"""The command line, as a user meets it: help, bad input in one clear line, exit statuses.

usage: cli.py IPCLAB
"""
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

IPCLAB = sys.argv.pop(1)
COMMANDS = ("list", "run", "trace", "view", "grade", "verify", "progress", "reset", "export", "import", "doctor")


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

    def test_progress_commands(self):
        self.refused("progress", "now", says="'now'")
        self.refused("reset", says="name a lab, or --all")
        self.refused("reset", "pipe-eof", "--all", says="name a lab, or --all")
        self.refused("reset", "pipe-eof", says="--yes")
        self.refused("export", says="no file was named")
        self.refused("export", "--all", says="'--all'")
        self.refused("import", says="no file was named")
        self.refused("import", "/no/such/file", says="/no/such/file")


class Help(unittest.TestCase):
    def test_help(self):
        for args in (["--help"], ["-h"], ["help"]):
            done = ipclab(*args)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for name in COMMANDS:
                self.assertIn(f"ipclab {name}", done.stdout)

    def test_help_of_each_command(self):
        for name in COMMANDS:
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


class Progress(unittest.TestCase):
    """Each case has a home of its own; what was done comes from the text file of early versions."""

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="ipclab-home-")
        self.addCleanup(shutil.rmtree, self.home)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.home, "IPCLAB_ROOT": os.environ["IPCLAB_ROOT"], "TZ": "UTC"}
        os.makedirs(f"{self.home}/.local/state/ipclab")
        with open(f"{self.home}/.local/state/ipclab/progress", "w", encoding="utf-8") as file:
            file.write("2026-11-22T23:10:00Z read 2-pipes/pipe-eof\n2026-11-22T23:10:09Z foretold 2-pipes/pipe-eof\n"
                       "2026-11-22T23:11:02Z tried 2-pipes/pipe-eof\n2026-11-23T08:11:02Z passed 2-pipes/pipe-eof\n")

    def ipclab(self, *args, status=0, home=None):
        done = ipclab(*args, env={**self.env, "HOME": home or self.home})
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def lab(self, name, home=None):
        labs = json.loads(self.ipclab("progress", "--json", home=home).stdout)["labs"]
        return {lab["lab"]: lab for lab in labs}.get(name)

    def test_text(self):
        text = self.ipclab("progress").stdout
        self.assertRegex(text, r"pipe-eof +2026-11-22 +1 of 1 +passed 2026-11-23, 2 attempts\n")
        self.assertRegex(text, r"proc-zombie +- +- +-\n")
        self.assertRegex(text, r"1 of \d+ exercises passed\n$")

    def test_json(self):
        lab = self.lab("2-pipes/pipe-eof")
        self.assertEqual((lab["attempts"], lab["passes"], lab["passed"]), (2, 1, "2026-11-23T08:11:02Z"))

    def test_reset_and_back(self):
        done = self.ipclab("reset", "--yes", "pipe-eof")
        self.assertIsNone(self.lab("2-pipes/pipe-eof"))
        backup = re.search(r"`ipclab import (.*)`", done.stdout).group(1)
        self.assertIn("4 records are new", self.ipclab("import", backup).stdout)
        self.assertEqual(self.lab("2-pipes/pipe-eof")["attempts"], 2)
        self.assertIn("0 records are new, 4", self.ipclab("import", backup).stdout)
        refused = self.ipclab("reset", "--yes", "no-such-lab", status=2)
        self.assertIn("no-such-lab", refused.stderr)

    def test_reset_asks(self):
        for answer, status, attempts in (("n\n", 1, 2), ("\n", 1, 2), ("y\n", 0, 0)):
            master, slave = pty.openpty()
            os.write(master, answer.encode())
            done = subprocess.run([IPCLAB, "reset", "--all"], stdin=slave, capture_output=True, text=True, env=self.env,
                                  timeout=60, check=False)
            os.close(master)
            os.close(slave)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn("[y/N]", done.stdout)
            self.assertEqual((self.lab("2-pipes/pipe-eof") or {}).get("attempts", 0), attempts)

    def test_export_to_another_machine(self):
        path, other = f"{self.home}/mine.json", f"{self.home}/other"
        self.ipclab("export", path)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), self.ipclab("export", "-").stdout)
        os.mkdir(other)
        self.assertIn("4 records are new, 0", self.ipclab("import", path, home=other).stdout)
        self.assertEqual(self.lab("2-pipes/pipe-eof", home=other), self.lab("2-pipes/pipe-eof"))

    def test_import_of_something_else(self):
        for path in ("/etc/passwd", IPCLAB):
            done = self.ipclab("import", path, status=2)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
            self.assertIn(path, done.stderr)

    def test_a_damaged_database_is_told_once(self):
        self.ipclab("progress")
        path = f"{self.home}/.local/share/ipclab/progress.db"
        with open(path, "r+b") as file:
            file.write(b"garbage" * 1000)
        done = self.ipclab("progress")
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertIn("progress.db.damaged-", done.stderr)
        self.assertEqual(self.ipclab("progress").stderr, "")
        self.assertEqual(self.lab("2-pipes/pipe-eof")["attempts"], 2)

    def test_a_home_that_cannot_be_written(self):
        done = self.ipclab("progress", status=2, home="/dev/null")
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


unittest.main()
