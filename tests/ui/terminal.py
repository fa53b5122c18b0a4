#!/usr/bin/env python3
"""Drives the runner in a real terminal (tmux) and looks at what a person would see.

usage: terminal.py IPCLAB SOURCE-TREE CASE

Nothing here sleeps: tmux's control mode tells when the screen has changed, and only then it is looked at
again. A screen that never shows what is expected is printed.
"""
import atexit
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile

PATIENCE = 30  # seconds without any change on the screen before a wait is given up


class Terminal:
    """One tmux server with one window. The runner is started by a shell that reports how it ended."""

    def __init__(self, size=(80, 24), term="tmux-256color", **env):
        self.folder = tempfile.mkdtemp(prefix="ipclab-ui-")
        self.socket = os.path.join(self.folder, "tmux")
        self.env = {
            "PATH": os.environ["PATH"], "HOME": self.folder, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8",
            "XDG_STATE_HOME": self.folder + "/state", "XDG_CACHE_HOME": self.folder + "/cache",
            "TMPDIR": self.folder, "IPCLAB_ROOT": tree(), "INNER_TERM": term, "EDITOR": "true", **env}
        script = ("export TERM=$INNER_TERM; stty -g >before; \"$@\" 2>error; status=$?; "
                  "until [ -z \"$AWAIT_MODES\" ] || [ \"$(stty -g)\" = \"$(cat before)\" ]; do :; done; "
                  "stty -g >after; echo ENDED $status; read line")
        self.tmux("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "-c", self.folder,
                  "sh", "-c", script, "sh", *program(), conf=True)
        self.control = subprocess.Popen(
            ["tmux", "-u", "-S", self.socket, "-C", "attach"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=self.env)
        atexit.register(self.close)

    def tmux(self, *arguments, conf=False):
        command = ["tmux", "-u", "-S", self.socket] + (["-f", "/dev/null"] if conf else []) + list(arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self.env).stdout

    def screen(self):
        lines = self.tmux("capture-pane", "-p").split("\n")
        return "\n".join(line.rstrip() for line in lines)

    def say(self, format):
        return self.tmux("display-message", "-p", format).strip()

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def resize(self, width, height):
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def wait_change(self):
        ready, _, _ = select.select([self.control.stdout], [], [], PATIENCE)
        if not ready or not os.read(self.control.stdout.fileno(), 65536):
            return False
        return True

    def until(self, pattern):
        """Waits until the screen shows the pattern (a regular expression); returns the screen."""
        while True:
            screen = self.screen()
            if re.search(pattern, screen):
                return screen
            if not self.wait_change():
                fail(f"never saw {pattern!r}:\n{screen}")

    def until_is(self, wanted):
        while True:
            screen = self.screen()
            if screen == wanted:
                return
            if not self.wait_change():
                fail(f"wanted:\n{wanted}\nis:\n{screen}")

    def until_ended(self, status):
        self.until(rf"ENDED {status}\b")
        if self.read("before") != self.read("after"):
            fail("the terminal's modes were not restored")
        if self.say("#{alternate_on} #{cursor_flag}") != "0 1":
            fail("the screen or the cursor was not restored")

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def progress(self, lab):
        """What is kept of that lab."""
        text = subprocess.run([*program(), "progress", "--json"], check=True, capture_output=True, env=self.env).stdout
        return {one["lab"]: one for one in json.loads(text)["labs"]}.get(lab, {})

    def child(self):
        """Pid of the runner."""
        shell = self.say("#{pane_pid}")
        return int(subprocess.run(["pgrep", "-P", shell, "-x", "ipclab"], check=True, capture_output=True,
                                  text=True).stdout.split()[0])

    def guardian(self):
        """Pid of the runner's guardian."""
        return int(subprocess.run(["pgrep", "-P", str(self.child()), "-x", "ipclab-guard"], check=True,
                                  capture_output=True, text=True).stdout)

    def close(self):
        atexit.unregister(self.close)
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, capture_output=True)
        self.control.stdin.close()
        self.control.wait()
        self.control.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def tree():
    return os.environ.get("IPCLAB_TEST_TREE") or sys.argv[2]


def program():
    return [sys.argv[1]]


def fail(text):
    print(text)
    sys.exit(1)


def until_gone(pidfd):
    gone, _, _ = select.select([pidfd], [], [], PATIENCE)
    os.close(pidfd)
    if not gone:
        fail("a process lives on that should be gone")


def ready(terminal):
    return terminal.until(r"\? help")


def case_walk():
    """From the list to the lesson, the stage, back in time, and out."""
    t = Terminal()
    ready(t)
    t.press("/", "p", "i", "p", "e", "-", "e", "o", "f", "Enter")
    t.until(r"The reader|pipe-eof")
    t.press("Enter")
    t.until(r"Space page")
    t.press("r")
    t.until(r"never-eof +\d+/\d+")
    t.until(r"blocked in read\(3\)")
    t.press("Enter")
    t.until(r"This is the cause")
    t.press("Home")
    t.until(r" 1/\d+")
    t.press("Right", "Right", "End")
    t.until(r"nobody can move any more")
    for key, seen in (("t", r"P\.1 +■"), ("s", r"├|■"), ("d", r"pipe2|inherited"), ("g", r"┌ P")):
        t.press(key)
        t.until(seen)
    t.press("?")
    t.until(r"Keys of the stage")
    t.press("q")
    t.until(r"g graph")
    t.press("q")
    t.until(r"Space page")
    t.press("q")
    t.until(r"q quit")
    t.press("q", "q")
    t.until_ended(0)
    t.close()


def case_predict():
    """The answer is judged by the real run."""
    t = Terminal()
    ready(t)
    t.press("/", "p", "i", "p", "e", "-", "e", "o", "f", "Enter", "Enter")
    t.until(r"Space page")
    t.press("Tab")
    t.until(r"mark an answer")
    t.press("Enter")
    t.until(r"(live|ended|never-eof) +\d+/\d+")
    t.until(r"never-eof +\d+/\d+|ended +\d+/\d+")
    t.press("L")
    t.until(r"foresaw|something else")
    t.press("q")
    t.until(r"q quit")
    if t.progress("2-pipes/pipe-eof").get("predictions") != 1:
        fail("the prediction was not kept")
    t.press("q", "q")
    t.until_ended(0)
    t.close()


def case_sizes():
    """Any size is drawn, and the way there leaves no trace."""
    sizes = [(1, 1), (2, 1), (3, 2), (10, 3), (20, 5), (79, 23), (300, 100), (500, 2), (80, 24)]
    t = Terminal()
    fresh = ready(t)
    for size in sizes:
        t.resize(*size)
    t.until_is(fresh)
    t.press("q")
    t.until_ended(0)
    t.close()
    t = Terminal(size=(1, 1))
    t.resize(80, 24)
    t.until_is(fresh)
    t.press("q")
    t.until_ended(0)
    t.close()


def case_storm():
    """After two hundred sizes the stage looks as if it had been opened just now."""
    dice = random.Random(7)
    t = Terminal()
    ready(t)
    t.press("r")
    t.until(r"(ended|never-eof|deadlock|spin) +\d+/\d+")
    t.press("End", "?")
    t.until("Keys of the stage")
    t.press("q")
    fresh = t.until(r"g graph")
    for _ in range(200):
        t.resize(dice.randint(1, 160), dice.randint(1, 60))
    t.resize(80, 24)
    t.until_is(fresh)
    t.press("q", "q")
    t.until_ended(0)
    t.close()


def case_plain():
    """Without colours, without UTF-8, on an old terminal: the same words."""
    for env, term in (({"NO_COLOR": "1"}, "tmux-256color"), ({"LC_ALL": "C"}, "vt100"), ({"IPCLAB_ASCII": "1"}, "xterm"),
                      ({}, "linux")):
        t = Terminal(term=term, **env)
        screen = ready(t)
        if "NO_COLOR" not in env and term != "linux" and not screen.isascii():
            fail(f"not only ASCII with {env}, TERM={term}:\n{screen}")
        t.press("r")
        t.until(r"(ended|never-eof|deadlock|spin) +\d+/\d+")
        t.press("q", "q")
        t.until_ended(0)
        t.close()


def case_unknown_terminal():
    t = Terminal(term="no-such-terminal")
    t.until_ended(2)
    if "terminal type 'no-such-terminal' is not known" not in t.read("error"):
        fail("says: " + t.read("error"))
    t.close()


def case_signals():
    """However it ends, the terminal is as it was."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT):
        t = Terminal()
        ready(t)
        os.kill(t.child(), number)
        t.until_ended(128 + number)
        t.close()


def case_killed():
    """Killed without a chance to clean up: its guardian gives the terminal back, and is gone itself."""
    t = Terminal(AWAIT_MODES="1")
    ready(t)
    guard = os.pidfd_open(t.guardian())
    os.kill(t.child(), signal.SIGKILL)
    t.until_ended(128 + signal.SIGKILL)
    until_gone(guard)
    t.close()


def case_killed_lent():
    """Killed while an editor has the terminal: that stays the editor's."""
    folder, source = own_tree()
    write(source, "int main(void) { return 0; }\n")
    editor, fifo = os.path.join(folder, "editor"), os.path.join(folder, "fifo")
    os.mkfifo(fifo)
    write(editor, f"#!/bin/sh\ntput smcup\necho EDITING\nexec cat {fifo}\n")
    os.chmod(editor, 0o755)
    t = Terminal(IPCLAB_ROOT=folder, EDITOR=editor)
    open_exercise(t)
    t.press("e")
    t.until(r"EDITING")
    guard = os.pidfd_open(t.guardian())
    os.kill(t.child(), signal.SIGKILL)
    until_gone(guard)
    t.until(rf"ENDED {128 + signal.SIGKILL}\b")
    if t.say("#{alternate_on}") != "1":
        fail("the editor's screen was taken away")
    with open(fifo, "w", encoding="utf-8"):
        pass
    t.close()


def case_hangup():
    """A terminal that goes away takes the runner with it, also when it ignores hangups."""
    t = Terminal()
    ready(t)
    runner, guard = os.pidfd_open(t.child()), os.pidfd_open(t.guardian())
    t.tmux("kill-server")
    until_gone(runner)
    until_gone(guard)
    t.close()


def case_scheduler():
    """By keys into the deadlock, back, and to a good end; then away from it."""
    t = Terminal()
    ready(t)
    t.press("/", "p", "i", "p", "e", "-", "d", "e", "a", "d", "Enter", "r")
    t.until(r"deadlock +\d+/\d+")
    for variant in ("healthy", "looking"):
        t.press("v")
        t.until(rf"{variant} +(ended|deadlock) +\d+/\d+")
    t.press("m")
    t.until(r"Who moves\?(.|\n)*1 P +pipe2\(\) +makes a pipe")
    for step, key in enumerate(("Enter", "1", "Enter", "2", "Enter", "2", "2", "1", "1", "1"), 1):
        t.press(key)
        t.until(rf"after {step} moves?\b")
    screen = t.until(r"deadlock: P -\[write pipe 1\]-> P\.1 -\[write pipe 2\]-> P")
    for seen in (r"✓ Make both block: .*: reached", r"■ +P +write\(4, 65537 B\) +pipe 1 is full",
                 r"■ +P\.1 +write\(6, 65537 B\) +pipe 2 is full"):
        if not re.search(seen, screen):
            fail(f"no {seen!r}:\n{screen}")
    for step, key in ((9, "u"), (8, "BSpace"), (7, "Left"), (6, "u"), (5, "u")):
        t.press(key)
        t.until(rf"after {step} moves(.|\n)*Who moves")
    t.until(r"you had reached it")
    for step in (6, 7, 8):
        t.press("1")
        t.until(rf"after {step} moves")
    t.until(r"looks into pipe 1: 65536 bytes inside")
    t.press("f")
    t.until(r"It ended well: P exited 0, P\.1 exited 0")
    t.until(r"✓ Let them swap .*: reached")
    t.press("R")
    t.until(r"after 0 moves(.|\n)*Who moves")
    t.press("?")
    t.until(r"Keys of the scheduler")
    t.press("q")
    t.until(r"Who moves")
    t.press("v")
    t.until(r"reading(.|\n)*Who moves")
    t.press("q")
    t.until(r"looking +(ended|deadlock) +\d+/\d+")
    t.press("q")
    t.until(r"q quit")
    t.press("q", "q")
    t.until_ended(0)
    t.close()


def own_tree():
    """A copy of what the runner reads, whose exercise may be edited; returns it and the exercise's file."""
    folder = tempfile.mkdtemp(prefix="ipclab-tree-")
    atexit.register(shutil.rmtree, folder, True)
    for part in ("labs", "exercises", "scripts", "solutions"):
        shutil.copytree(os.path.join(tree(), part), os.path.join(folder, part))
    return folder, os.path.join(folder, "exercises/2-pipes/pipe-eof.c")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def open_exercise(terminal):
    ready(terminal)
    terminal.press("/", "p", "i", "p", "e", "-", "e", "o", "f", "Enter", "e")
    terminal.until(r"pipe-eof +exercise")


def case_save():
    """A file saved by another program is graded at once, and again when it is saved again."""
    folder, source = own_tree()
    write(source, "int main(void) { return 0; }\n")
    editor = os.path.join(folder, "editor")
    write(editor, f"#!/bin/sh\ncp {folder}/solutions/2-pipes/pipe-eof.c \"$1.new\" && mv \"$1.new\" \"$1\"\n")
    os.chmod(editor, 0o755)
    t = Terminal(IPCLAB_ROOT=folder, EDITOR=editor)
    open_exercise(t)
    t.until(r"✗ Not yet|✗ crash|✗ timeout")
    write(source, "int main(void) { return nothing; }\n")
    t.until(r"does not compile")
    t.press("e")
    t.until(r"✓ Passed")
    t.press("q")
    t.until(r"q quit")
    t.press("q", "q")
    t.until_ended(0)
    kept = t.progress("2-pipes/pipe-eof")
    if kept.get("passes") != 1 or kept["attempts"] < 3 or kept["left"]["screen"] != "exercise":
        fail(f"passing was not kept: {kept}")
    t.close()


def case_own():
    """Settings are obeyed, hints are kept; what is wrong with the learner's own files is told, and nothing stops."""
    folder, source = own_tree()
    write(source, "int main(void) { return 0; }\n")
    editor, settings = os.path.join(folder, "editor"), os.path.join(folder, "ipclab")
    write(editor, f"#!/bin/sh\ncp {folder}/solutions/2-pipes/pipe-eof.c \"$2\"\n")
    os.chmod(editor, 0o755)
    os.mkdir(settings)
    write(os.path.join(settings, "settings"), f"skin = ascii\neditor = {editor} --now\nflavour = sweet\n")
    write(os.path.join(settings, "progress.db"), "garbage\n" * 1000)
    t = Terminal(IPCLAB_ROOT=folder, EDITOR="false", XDG_CONFIG_HOME=folder, XDG_DATA_HOME=folder)
    screen = t.until(r"settings:3: no setting is called")
    if not screen.isascii():
        fail(f"skin = ascii was not obeyed:\n{screen}")
    open_exercise(t)
    t.until(r"Not yet|crash|timeout")
    t.press("h")
    t.until(r"hint 1:")
    t.press("e")
    t.until(r"Passed")
    t.press("q")
    t.until(r"q quit")
    t.press("q", "q")
    t.until_ended(0)
    if not re.search(r'settings:3: .*"flavour".*\n.*progress was damaged .*progress\.db\.damaged-', t.read("error")):
        fail(t.read("error"))
    kept = t.progress("2-pipes/pipe-eof")
    if (kept.get("hints"), kept.get("passes")) != (1, 1):
        fail(f"not kept: {kept}")
    t.close()


def case_evidence():
    """Enter on a failed check opens the recording where it is to be seen."""
    folder, source = own_tree()
    write(source, "int main(void) { return 0; }\n")
    t = Terminal(size=(140, 45), IPCLAB_ROOT=folder)
    open_exercise(t)
    t.until(r"Enter see it")
    t.press("h")
    t.until(r"hint 1:")
    t.press("Enter")
    t.until(r"your program +\S+ +\d+/\d+")
    t.press("q")
    t.until(r"h hint")
    t.press("q")
    t.until(r"q quit")
    t.press("q", "q")
    t.until_ended(0)
    t.close()


def main():
    if not shutil.which("tmux") or not shutil.which("pgrep"):
        print("skipped: needs tmux and pgrep")
        sys.exit(77)
    globals()["case_" + sys.argv[3]]()


main()
