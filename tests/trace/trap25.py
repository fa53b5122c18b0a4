"""Trap 25, the terminal: what is typed reaches a traced program as it would alone, job control included.

usage: trap25.py IPCLAB

A shell with job control runs `ipclab trace` on a terminal of its own. Ctrl-Z stops the tracer, and with it the
program (which may not even come to its own stop), fg goes on with both, a new size of the window is told to the program, it may go on reading, Ctrl-C ends the run and
what was seen is kept.
"""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios

PATIENCE = 30  # seconds without a word
PROGRAM = """
import os, signal
signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b"size %dx%d\\n" % os.get_terminal_size()))
os.write(1, b"ready\\n")
while line := os.read(0, 100):
    os.write(1, b"got " + line)
"""
SCRIPT = """
set -m
"$1" trace --quiet -o "$2" -- python3 -I -S -c "$3"
echo "first $?"
fg >/dev/null
echo "then $?"
"""


class Terminal:
    def __init__(self, *command):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)

    def until(self, pattern):
        """What was written up to the pattern, which must come."""
        while not (found := re.search(pattern, self.seen)):
            if not select.select([self.fd], [], [], PATIENCE)[0]:
                sys.exit(f"never saw {pattern!r}:\n{self.seen}")
            try:
                self.seen += os.read(self.fd, 4096).decode()
            except OSError:  # EIO: the last holder of the other side is gone
                sys.exit(f"ended before {pattern!r}:\n{self.seen}")
        self.seen = self.seen[found.end():]

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def resize(self, width, height):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def main():
    ipclab = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        recording = os.path.join(folder, "recording")
        t = Terminal("sh", "-c", SCRIPT, "sh", ipclab, recording, PROGRAM)
        t.until("ready")
        t.press("one\n")
        t.until("got one")
        t.press("\x1a")
        t.until(r"first 148\b")  # 128 + SIGTSTP: the shell has its terminal back
        t.press("two\n")
        t.until("got two")
        t.resize(101, 33)
        t.until("size 101x33")
        t.press("three\n")
        t.until("got three")
        t.press("\x03")
        t.until(r"then 130\b")
        os.waitpid(t.pid, 0)
        text = subprocess.run([ipclab, "view", "--text", recording], check=True, capture_output=True, text=True).stdout
    for what in (r"SIGCONT from \d+ is delivered", r"SIGWINCH from the kernel is delivered",
                 r"read\(0, \"three\\n\"", "interrupted|killed by SIGINT"):
        if not re.search(what, text):
            sys.exit(f"the recording lacks {what!r}:\n{text[-6000:]}")


main()
