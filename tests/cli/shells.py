"""The man page and the completions say what the program's own --help says, and work in the shells.

usage: shells.py IPCLAB SOURCE-TREE
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import unittest

TREE = sys.argv.pop()
IPCLAB = sys.argv.pop()
PAGE = f"{TREE}/docs/ipclab.1"
COMPLETIONS = f"{TREE}/share/completions"
ENV = {**os.environ, "PATH": f"{os.path.dirname(IPCLAB)}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}


def output(*command, **kwargs):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=ENV, **kwargs).stdout


def commands():
    return sorted(set(re.findall(r"^  ipclab ([a-z]+)", output(IPCLAB, "--help"), re.M)))


def options(command):
    """Those that the command's help lists, each at the beginning of a line."""
    lines = output(IPCLAB, command, "--help").splitlines()
    found = [re.match(r"\s+(-[a-z]\b)?(?:, )?(--[a-z-]+)?", line) for line in lines]
    return sorted({word for match in found if match for word in match.groups() if word})


def labs():
    return re.findall(r"^  (\S+)", output(IPCLAB, "list"), re.M)


class Help(unittest.TestCase):
    def test_what_the_others_are_compared_with(self):
        self.assertIn("trace", commands())
        self.assertEqual(options("view"), ["--ascii", "--json", "--summary", "--text"])
        self.assertIn("-o", options("run"))
        self.assertIn("pipe-eof", labs())


class ManPage(unittest.TestCase):
    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_is_laid_out_without_a_warning(self):
        done = subprocess.run(["groff", "-mandoc", "-ww", "-Tutf8", "-z", PAGE], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_has_nothing_to_say(self):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGE], capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout, "")

    def test_has_every_command_and_option(self):
        with open(PAGE, encoding="utf-8") as file:
            text = file.read()
        sections = {part.split("\n", 1)[0]: part for part in re.split(r"^\.Ss ipclab ", text, flags=re.M)[1:]}
        self.assertEqual(sorted(sections), commands())
        for command, section in sections.items():
            section = section.split("\n.Sh ")[0]
            written = sorted({f"-{word}" for word in re.findall(r"^\.It Fl (\S+)", section, re.M)})
            self.assertEqual(written, options(command), command)


class Bash(unittest.TestCase):
    def complete(self, *words, cwd=None):
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ipclab ipclab; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", f"{COMPLETIONS}/ipclab.bash", "ipclab", *words],
                              capture_output=True, text=True, timeout=60, env=ENV, cwd=cwd, check=False)
        self.assertEqual(done.stderr, "")
        return sorted(word for word in done.stdout.split("\n") if word)

    def test_commands(self):
        self.assertEqual(self.complete(""), sorted(commands() + ["--ascii", "--help", "--version"]))
        self.assertEqual(self.complete("ver"), ["verify"])

    def test_options_of_each_command(self):
        for command in commands():
            wanted = options(command) + ["--help"] + (["--"] if command == "trace" else [])
            self.assertEqual(self.complete(command, "-"), sorted(wanted), command)

    def test_labs(self):
        for command in ("run", "reset"):
            self.assertEqual(self.complete(command, ""), sorted(labs()))
            self.assertEqual(self.complete(command, "pipe-e"), ["pipe-eof"])
        self.assertEqual(self.complete("run", "--variant", "h"), ["healthy"])

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("mine.c", "other.txt", "two words.c"):
                with open(f"{folder}/{name}", "w", encoding="utf-8"):
                    pass
            os.mkdir(f"{folder}/inner")
            self.assertEqual(self.complete("grade", "mi", cwd=folder), ["mine.c"])
            self.assertEqual(self.complete("grade", "ot", cwd=folder), [])
            self.assertEqual(self.complete("view", "", cwd=folder), ["inner", "mine.c", "other.txt", "two words.c"])
            self.assertEqual(self.complete("view", "two", cwd=folder), ["two words.c"])
            self.assertEqual(self.complete("grade", "--keep", "", cwd=folder), ["inner"])

    def test_the_traced_command(self):
        self.assertIn("sort", self.complete("trace", "--quiet", "--", "sor"))
        self.assertNotIn("sort", self.complete("trace", "sor"))

    def test_in_a_real_shell(self):
        shell = Shell(["bash", "--norc", "-i"])
        shell.send(f"source {COMPLETIONS}/ipclab.bash; echo rea''dy\n")
        shell.until("ready\r")
        shell.send("ipclab prog\t--js\t")
        shell.until("progress --json ")
        shell.close()


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, command):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, {**ENV, "TERM": "dumb", "PS1": "$ "})

    def send(self, text):
        os.write(self.fd, text.encode())

    def until(self, text):
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], 30)
            if not ready:
                raise AssertionError(f"never saw {text!r}: {self.seen!r}")
            # A shell may take back a character that it had written.
            self.seen = re.sub(r"[^\x08]\x08", "", self.seen + os.read(self.fd, 4096).decode())

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


@unittest.skipUnless(shutil.which("fish"), "fish is not installed")
class Fish(unittest.TestCase):
    def complete(self, line):
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(["fish", "--no-config", "-c", f"source {COMPLETIONS}/ipclab.fish; complete -C '{line}'"],
                                  capture_output=True, text=True, timeout=60, env={**ENV, "HOME": home}, cwd=home, check=False)
        self.assertEqual(done.stderr, "")
        return sorted({line.split("\t")[0] for line in done.stdout.splitlines()})

    def test_commands_and_options(self):
        self.assertEqual(self.complete("ipclab "), commands())
        for command in commands():
            long = [word for word in options(command) if word.startswith("--")]
            self.assertEqual(self.complete(f"ipclab {command} --"), sorted(long + ["--help"]), command)

    def test_labs(self):
        self.assertEqual(self.complete("ipclab run pipe-e"), ["pipe-eof"])


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
class Zsh(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        self.shell = Shell(["zsh", "-f", "-i"])
        self.addCleanup(self.shell.close)
        self.shell.send(f"HOME={self.home}; cd; fpath=({COMPLETIONS} $fpath); autoload -U compinit; "
                        f"compinit -u -d {self.home}/dump; setopt no_beep; PS1='$ '; echo rea''dy\n")
        self.shell.until("ready\r")

    def test_a_command_an_option_and_a_lab(self):
        self.shell.send("ipclab pro\t--js\t")
        self.shell.until("progress --json ")
        self.shell.send("\x15ipclab run --summ\tpipe-e\t")
        self.shell.until("run --summary pipe-eof ")

    def test_every_option(self):
        with open(f"{COMPLETIONS}/_ipclab", encoding="utf-8") as file:
            text = file.read()
        for command in commands():
            branch = re.search(rf"^    (?:\w+ \| )?{command}(?: \| \w+)?\)(.*?);;", text, re.M | re.S)
            branch = branch.group(1) if branch else ""
            written = sorted(set(re.findall(r"'\*?(--?[a-z-]+)\[", branch)) - {"--help"})
            self.assertEqual(written, options(command), command)


unittest.main()
