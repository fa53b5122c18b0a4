"""`ipclab steer`: real processes moved one by one by lines on standard input; docs/steer-json.md.

usage: steer.py IPCLAB
"""
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import unittest

IPCLAB = sys.argv.pop(1)
PATIENCE = 60

DICE = r"""
#include <sys/random.h>
#include <unistd.h>
int main(void)
{
    for (int i = 0; i < 8; i++) {
        unsigned char dice = 0;
        if (getrandom(&dice, 1, 0) != 1)
            return 1;
        if (dice & 1)
            close(dup(0));
        else
            close(1000);
    }
    return 0;
}
"""
DICE_LAB = """
return lab {
    title = "Dice", part = "9-dice", summary = "Never the same. Twice.", minutes = 1, covers = { "dup" },
    actors = { { name = "P", role = "throws" } }, watch = { "P" },
    variants = { healthy = { program = "healthy.c", text = "h" }, broken = { program = "broken.c", text = "b" } },
    expects = { healthy = {}, broken = {} },
}
"""


class Steered:
    """One `ipclab steer`. Each order returns where the run then stands."""

    def __init__(self, *arguments, env=None):
        self.process = subprocess.Popen([IPCLAB, "steer", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env)
        self.text, self.said = b"", []
        self.hello = self.line()
        self.state = self.stand()

    def line(self):
        while b"\n" not in self.text:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert more, f"nothing more was said after {self.said[-3:]}; {self.process.stderr.read()}"
            self.text += more
        line, self.text = self.text.split(b"\n", 1)
        self.said.append(json.loads(line))
        return self.said[-1]

    def stand(self):
        """Reads up to the line that tells where the run stands, or why nothing was done."""
        self.moves = []
        while True:
            line = self.line()
            if line["type"] == "moved":
                self.moves.append(line)
            elif line["type"] == "run":
                self.run = line
            elif line["type"] == "error":
                return line
            elif line["type"] in ("state", "ended"):
                self.state = line
                return line

    def order(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        return self.stand()

    def go(self, task, kind="go"):
        for choice in self.state["choices"]:
            if (choice["task"], choice["kind"]) == (task, kind):
                return self.order(f"go {choice['n']}")
        raise AssertionError(f"{task} cannot {kind}: {self.state}")

    def choice(self, task):
        return next(choice for choice in self.state["choices"] if choice["task"] == task)

    def close(self):
        """Ends its input; returns its exit status."""
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


class Steering(unittest.TestCase):
    def steer(self, *arguments):
        steered = Steered(*arguments)
        self.addCleanup(steered.close)
        return steered

    def to_look(self):
        """pipe-deadlock, looking: C stands before its look, P before its first close."""
        steered = self.steer("pipe-deadlock", "--variant", "looking")
        for task in ("P", "P", "P", "P.1", "P.1"):
            steered.go(task)
        return steered

    def test_into_the_deadlock_and_out_again(self):
        steered = self.to_look()
        self.assertEqual(steered.hello["goals"], ["Make both block: neither can ever move again",
                                                  "Let them swap their messages all the same"])
        self.assertEqual(steered.choice("P.1")["effect"], "looks into pipe 1: it is empty")
        for task in ("P.1", "P.1", "P", "P", "P"):
            ended = steered.go(task)
        self.assertEqual((ended["type"], ended["how"], ended["well"], ended["step"]), ("ended", "deadlock", False, 10))
        self.assertEqual(ended["cycle"], "P -[write pipe 1]-> P.1 -[write pipe 2]-> P")
        self.assertEqual([one["task"] for one in ended["parked"]], ["P", "P.1"])
        self.assertEqual(ended["goals"], [True, False])

        first = steered.run["recording"]
        state = steered.order("rewind 5")
        self.assertEqual((state["type"], state["step"], steered.run["run"], steered.run["replays"]), ("state", 5, 2, 5))
        self.assertNotEqual(steered.run["recording"], first)
        self.assertEqual([(one["task"], one["replay"]) for one in steered.moves],
                         [("P", True), ("P", True), ("P", True), ("P.1", True), ("P.1", True)])
        self.assertEqual(state["goals"], [False, False])
        for task in ("P", "P", "P"):
            state = steered.go(task)
        self.assertTrue(steered.moves[-1]["parks"])
        self.assertEqual(state["parked"][0]["reason"],
                         "pipe 1 is full (65536 of 65536 bytes), and one reader is left: P.1 (fd 3)")
        steered.go("P.1")
        self.assertEqual(steered.choice("P.1")["effect"], "reads all 65536 bytes in pipe 1")
        steered.go("P.1")
        woken = steered.moves[-1]
        self.assertEqual((woken["task"], woken["forced"], woken["call"], woken["result"]),
                         ("P", True, "write(4, 65537 B)", "65537"))
        ended = steered.order("finish")
        self.assertEqual((ended["how"], ended["well"], ended["goals"]), ("ended", True, [False, True]))
        self.assertEqual([(one["task"], one["text"]) for one in ended["exits"]], [("P", "exited 0"), ("P.1", "exited 0")])
        self.assertEqual(steered.close(), 0)

    def test_back_one_by_one_to_the_start(self):
        steered = self.to_look()
        for step in (4, 3, 2, 1, 0):
            self.assertEqual(steered.order("back")["step"], step)
        self.assertEqual(steered.order("back")["text"], "back: no move has been made yet")
        self.assertEqual(steered.go("P")["step"], 1)

    def test_what_would_wait_says_why(self):
        steered = self.steer("pipe-eof")
        steered.go("P")
        steered.go("P")
        read = steered.choice("P.1")
        self.assertEqual((read["call"], read["enabled"]), ("read(3)", "no"))
        self.assertEqual(read["effect"], "would wait: pipe 1 is empty, and 2 writers are left: P (fd 4) and P.1 itself (fd 4)")
        self.assertEqual(steered.choice("P")["effect"], "closes a read end of pipe 1; 1 is left")
        state = steered.go("P.1")
        self.assertTrue(steered.moves[-1]["parks"])
        self.assertEqual(state["goals"], [False, True])
        ended = steered.order("finish")
        self.assertEqual((ended["how"], ended["goals"]), ("never-eof", [True, True]))

    def test_a_death_and_its_report_are_moves(self):
        steered = self.steer("proc-zombie", "--knob", "children=3")
        for task in ("P", "P", "P", "P.2"):
            steered.go(task)
        self.assertEqual(steered.choice("P.2")["kind"], "report")
        for task, kind in (("P.2", "report"), ("P.1", "go"), ("P.1", "report"), ("P.3", "go")):
            steered.go(task, kind)
        self.assertEqual(steered.state["goals"], [False, False])
        self.assertEqual(steered.go("P.3", "report")["goals"], [True, False])

    def test_bad_orders_get_one_line_and_change_nothing(self):
        steered = self.to_look()
        before = steered.state
        for order, says in (("", "no such command"), ("frobnicate", "no such command; there are go N, back"),
                            ("go", "a number is missing"), ("go 0", "a number from 1 to 2"), ("go 3", "a number from 1 to 2"),
                            ("go -1", "a number from 1 to 2"), ("go 1 2", "a number from 1 to 2"), ("go one", "a number"),
                            ("rewind 6", "a number from 0 to 5"), ("back 2", "takes no more words"),
                            ("quit\x1b[2J", "no such command"), ("x" * 9000, "no such command")):
            answer = steered.order(order)
            self.assertEqual(answer["type"], "error", order)
            self.assertIn(says, answer["text"])
            self.assertTrue(answer["text"].isprintable(), answer)
        self.assertEqual(steered.state, before)
        self.assertEqual(steered.go("P")["step"], 6)
        ended = steered.order("finish")
        self.assertEqual(ended["type"], "ended")
        self.assertIn("the run has ended", steered.order("go 1")["text"])
        self.assertIn("the run has ended", steered.order("finish")["text"])
        self.assertEqual(steered.order("back")["step"], ended["step"] - 1)

    def test_recordings_are_kept_and_may_be_followed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/run"
            steered = self.steer("pipe-eof", "-o", path)
            self.assertEqual(steered.run["recording"], path)
            steered.go("P")
            size = os.path.getsize(path)
            steered.go("P")
            self.assertGreater(os.path.getsize(path), size)
            steered.order("back")
            self.assertEqual(steered.run["recording"], path + ".2")
            steered.order("finish")
            steered.close()
            text = subprocess.run([IPCLAB, "view", path + ".2", "--summary"], capture_output=True, text=True, check=True).stdout
            self.assertRegex(text, "never-eof")

    def test_nothing_is_left_when_the_input_ends_or_a_signal_comes(self):
        for end in (lambda s: s.close(), lambda s: s.process.terminate()):
            steered = self.to_look()
            children = subprocess.run(["pgrep", "-P", str(steered.process.pid)], capture_output=True, text=True,
                                      check=False).stdout.split()
            self.assertTrue(children)
            watched = [os.pidfd_open(int(pid)) for pid in children]
            end(steered)
            self.assertIn(steered.process.wait(PATIENCE), (0, 130))
            for fd in watched:
                self.assertTrue(select.select([fd], [], [], PATIENCE)[0], "a process is left")
                os.close(fd)

    def test_a_move_that_comes_out_otherwise_is_told(self):
        """A program that throws dice before each call: going back cannot always make the same moves again."""
        with tempfile.TemporaryDirectory() as root:
            lab = f"{root}/labs/9-dice/dice"
            os.makedirs(lab)
            with open(f"{root}/labs/order", "w", encoding="utf-8") as file:
                file.write("9-dice/dice\n")
            for name in ("healthy", "broken"):
                with open(f"{lab}/{name}.c", "w", encoding="utf-8") as file:
                    file.write(DICE)
            with open(f"{lab}/lab.lua", "w", encoding="utf-8") as file:
                file.write(DICE_LAB)
            steered = Steered("dice", env={**os.environ, "IPCLAB_ROOT": root})
            self.addCleanup(steered.close)
            told = []
            for _ in range(64):
                while steered.state["type"] != "ended" and steered.state["step"] < 4:
                    steered.go("P")
                steered.order("back")
                told = [line["text"] for line in steered.said if line["type"] == "differs"]
                if told:
                    break
            self.assertRegex(told[0], r"^go back: move \d was P (dup|close|exit_group), and this time it was not to be had; ")
            self.assertEqual(steered.state["type"], "state")
            self.assertEqual(steered.go("P")["step"], steered.state["step"])

    def test_refused_at_the_start(self):
        for arguments, says in ((["steer"], "no lab was named"), (["steer", "no-such-lab"], "no-such-lab"),
                                (["steer", "pipe-eof", "--variant", "purple"], "no variant 'purple'"),
                                (["steer", "pipe-eof", "--knob", "colour=red"], "colour=red"),
                                (["steer", "pipe-eof", "-o", "/no/such/folder/x"], "/no/such/folder/x")):
            done = subprocess.run([IPCLAB, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
            self.assertRegex(done.stderr, re.escape(says))


unittest.main()
