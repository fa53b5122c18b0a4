"""A trap of tracing under `ipclab trace --verify`: the model agrees with the kernel, the program ends as it would alone.

usage: verify_trap.py IPCLAB TEST_TRAPS NAME

The program is the one that test_traps traces in its test NAME.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

# Programs that do not end by themselves, or not as they do alone: name: (status under the tracer, why)
OTHERWISE = {
    "trap05-ignored": (0, "alone, the kernel does not even wake it"),
    "trap11-vfork": (125, "nobody can move any more"),
    "trap12-exitkill": (125, "it waits for a signal that nobody will send"),
    "trap15-ends": (125, "it waits for a signal that nobody will send"),
    "quiet-stuck": (125, "nobody can move any more"),
    "trap19-busy": (124, "it computes until it is killed"),
    "quiet-spin": (124, "it computes until it is killed"),
    "trap22-io-uring": (0, "alone, io_uring is not refused"),
}
TIME_LIMIT = "5"  # seconds, of programs that never end


def run(command):
    """Its exit status as subprocess gives it; nothing of it is left."""
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         preexec_fn=os.setpgrp, text=True)
    try:
        _, errors = p.communicate(timeout=40)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        sys.exit(f"{' '.join(command)}: does not end")
    return p.returncode, errors


def main():
    ipclab, traps, name = sys.argv[1:]
    alone = [traps, "--tracee", name]
    with tempfile.NamedTemporaryFile(suffix=".txt") as report:
        limit = ["--timeout", TIME_LIMIT] if OTHERWISE.get(name, (0,))[0] == 124 else []
        status, errors = run([ipclab, "trace", "--verify", "--report", report.name, *limit, "--", *alone])
        text = report.read().decode()
    found = re.search(r"^verify: (\d+) quiet points compared with the kernel, (\d+) disagreement.*", text, re.M | re.S)
    if not found:
        sys.exit(f"{name}: no verification in the report; status {status}\n{errors}")
    points, disagreements = int(found[1]), int(found[2])
    print(f"{name}: {points} quiet points, {disagreements} disagreements, status {status}")
    if disagreements or points == 0:
        sys.exit(found[0])
    wanted, why = OTHERWISE[name] if name in OTHERWISE else (run(alone)[0], "alone")
    if status != wanted:
        sys.exit(f"{name}: traced, it ends with {status}; wanted {wanted} ({why})\n{errors}")
    if status == 77:
        print("skipped: the machine cannot run this program")
        sys.exit(77)


main()
