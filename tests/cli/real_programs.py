"""Real programs, traced and untraced: the same output, the same exit status, and a model that agrees with the kernel.

usage: real_programs.py IPCLAB [NAME]...

Each program runs in a folder of its own that has a few files in it. What it prints must not depend on time or
on numbers of processes. 77 when a program that is needed is not installed.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HELLO = '#include <stdio.h>\nint main(void)\n{\n    puts("hello");\n    return 7;\n}\n'
MAKEFILE = "all: a b c d e f\n\n%:\n\t@printf '%s\\n' $@ >$@.out; cat $@.out >/dev/null\n"

# name: (shell to run it, script)
PROGRAMS = {
    "dash-pipeline": ("sh", "yes | head -n 1000 | wc -l"),
    "dash-subshells": ("sh", "(echo a; echo b) | (read x; read y; echo $y $x); exit 3"),
    "dash-heredoc": ("sh", "cat <<X | tr a-z A-Z\nhello $(echo there)\nX"),
    "dash-background": ("sh", "(exit 4) & p=$!; (exit 5) & q=$!; wait $p; echo $?; wait $q; echo $?"),
    "dash-trap": ("sh", "trap 'echo caught' USR1; kill -USR1 $$; (exit 2); echo $?"),
    "dash-killed": ("sh", "kill -TERM $$; echo not reached"),
    "bash-pipeline": ("bash", "set -o pipefail; seq 2000 | sort -rn | uniq | tail -n 3; echo ${PIPESTATUS[*]}"),
    "bash-process-substitution": ("bash", "diff <(seq 5) <(seq 2 6) | cat; echo ${PIPESTATUS[0]}"),
    "bash-tee-substitution": ("bash", "seq 100 | tee >(wc -l >n1) >(tail -n 1 >n2) >/dev/null; wait; "
                                      "until [ -s n1 ] && [ -s n2 ]; do :; done; cat n1 n2"),
    "bash-coproc": ("bash", "coproc tr a-z A-Z; echo hello >&${COPROC[1]}; exec {COPROC[1]}>&-; cat <&${COPROC[0]}; wait"),
    "bash-redirections": ("bash", "exec 5>five 6<&0 7>&5; echo x >&7; exec 5>&-; echo y >&7; exec 7>&-; cat five"),
    "xargs-parallel": ("sh", "seq 20 | xargs -P4 -n1 sh -c 'exit 0' sh; seq 40 | xargs -P4 -n3 echo | wc -w"),
    "make-parallel": ("sh", "make -s -j4 && cat a.out b.out c.out d.out e.out f.out"),
    "gcc": ("sh", "gcc -o hello hello.c && ./hello"),
    "gcc-pipe": ("sh", "gcc -pipe -O2 -o hello hello.c && ./hello"),
    "git-log": ("sh", "git -C repo log --oneline --no-decorate | head -n 1 | cut -d' ' -f2-"),
    "tar-gzip": ("sh", "tar cf - files | gzip -n | gzip -d | tar tf - | sort"),
    "tar-z": ("sh", "tar czf files.tar.gz files && tar xzf files.tar.gz -O | wc -c"),
    "perl-pipe": ("perl", "open my $p, '-|', 'seq 5' or die; print while <$p>; close $p; "
                          "my $pid = fork // die; exit 6 unless $pid; waitpid $pid, 0; print $? >> 8, qq{\\n};"),
    "perl-signals": ("perl", "$SIG{USR1} = sub { print qq{usr1\\n} }; $SIG{CHLD} = 'IGNORE'; kill USR1 => $$; "
                             "if (!fork) { exit 0 } wait; print qq{done\\n}"),
    "python-subprocess": ("python3", "import subprocess as s; print(s.run(['sort'], input=b'b\\na\\n', capture_output=True)); "
                                     "print(s.run('exit 9', shell=True).returncode)"),
    "python-popen-chain": ("python3", "import subprocess as s; a = s.Popen(['seq', '3000'], stdout=s.PIPE); "
                                      "b = s.Popen(['tail', '-n', '1'], stdin=a.stdout, stdout=s.PIPE); a.stdout.close(); "
                                      "print(b.communicate()[0], a.wait(), b.wait())"),
    "python-multiprocessing": ("python3", "import multiprocessing as m\n"
                                          "def f(x): return x * x\n"
                                          "if __name__ == '__main__':\n"
                                          "    m.set_start_method('fork')\n"
                                          "    with m.Pool(2) as p: print(sum(p.map(f, range(50))))"),
    "python-threads": ("python3", "import threading, os\nr, w = os.pipe()\n"
                                  "t = threading.Thread(target=lambda: [os.write(w, b'x' * 100) for _ in range(50)] and os.close(w))\n"
                                  "t.start()\nn = 0\nwhile (b := os.read(r, 64)): n += len(b)\nt.join(); print(n)"),
    "timeout": ("sh", "timeout 5 sh -c 'echo in time'; timeout -s KILL 0.2 sleep 30; echo $?"),
    "fifo-script": ("sh", "mkfifo f; (seq 10 >f) & cat f; wait; (cat f >got) & echo last >f; wait; cat got"),
    "fifo-readwrite": ("bash", "mkfifo f; exec 3<>f; echo one >&3; read x <&3; echo $x; exec 3>&-"),
    "dd-blocks": ("sh", "seq 100000 | dd bs=512 count=20 2>/dev/null | wc -c"),
    "find-exec": ("sh", "find files -type f -exec cat {} + | wc -c; find files -type f | sort | xargs -n1 basename"),
    "awk-pipes": ("sh", "awk 'BEGIN { while ((\"seq 3\" | getline x) > 0) print x * 2; print \"z\\na\" | \"sort\" }'"),
    "sed-tee": ("sh", "seq 10 | tee copy | sed -n 3p; wc -l <copy"),
    "nested-shells": ("sh", "sh -c 'sh -c \"sh -c \\\"exit 11\\\"\"'; echo $?"),
    "xz": ("sh", "seq 50000 | xz -T2 | xz -d | tail -n 1"),
}
NEEDS = {"gcc", "make", "git", "perl", "python3", "bash", "xz", "awk", "tar"}


def prepare(folder):
    with open(f"{folder}/hello.c", "w", encoding="utf-8") as file:
        file.write(HELLO)
    with open(f"{folder}/Makefile", "w", encoding="utf-8") as file:
        file.write(MAKEFILE)
    os.mkdir(f"{folder}/files")
    for name in "abc":
        with open(f"{folder}/files/{name}", "w", encoding="utf-8") as file:
            file.write(name * 5000)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q", "repo"], cwd=folder, check=True)
    for number in range(3):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", f"commit {number}"], cwd=f"{folder}/repo", check=True)


def run(command, report=None):
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=100, stdin=subprocess.DEVNULL, check=False)
        return done.stdout, done.stderr, done.returncode, report and open(report, encoding="utf-8").read()


def compare(ipclab, name, work):
    shell, script = PROGRAMS[name]
    command = [shell, "-e" if shell == "perl" else "-c", script]
    report = f"{work}/report"
    plain = run(command)
    traced = run([ipclab, "trace", "--verify", "--report", report, "--", *command], report)
    problems = []
    if plain[0] != traced[0]:
        problems.append(f"stdout differs: {plain[0][-300:]!r} became {traced[0][-300:]!r}")
    if plain[1] != traced[1]:
        problems.append(f"stderr differs: {plain[1][-300:]!r} became {traced[1][-300:]!r}")
    if plain[2] != traced[2]:
        problems.append(f"status {plain[2]} became {traced[2]}")
    verify = re.search(r"verify: (\d+) quiet points compared with the kernel, (\d+) disagreement.*", traced[3], re.S)
    if not verify or int(verify[1]) == 0:
        problems.append("nothing was compared with the kernel")
    elif int(verify[2]) != 0:
        problems.append(verify[0][:3000])
    print(f"{'ok  ' if not problems else 'FAIL'} {name}: {verify[1] if verify else 0} points", flush=True)
    for problem in problems:
        print(f"     {problem}", flush=True)
    return not problems


def main():
    missing = sorted(name for name in NEEDS if not shutil.which(name))
    if missing:
        print(f"not installed: {' '.join(missing)}")
        return 77
    names = sys.argv[2:] or PROGRAMS
    with tempfile.TemporaryDirectory() as work:
        results = [compare(sys.argv[1], name, work) for name in names]
    print(f"{sum(results)} of {len(results)} programs agree")
    return 0 if all(results) else 1


sys.exit(main())
