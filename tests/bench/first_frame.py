"""From exec to the first frame of the runner, on a pseudo-terminal.

usage: first_frame.py BIN-FOLDER [ROUNDS]
"""
import fcntl
import os
import pty
import signal
import statistics
import struct
import sys
import termios
import time

import bench


def first_frame(program):
    begin = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.environ["TERM"] = "xterm-256color"
        os.execv(program, [program])
    seen = b""
    while b"pipe-eof" not in seen:
        seen += os.read(terminal, 65536)
    elapsed = time.monotonic() - begin
    os.kill(pid, signal.SIGTERM)
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    return elapsed


def main():
    program = f"{sys.argv[1]}/ipclab"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    times = [first_frame(program) for _ in range(rounds)]
    print(f"first frame, {rounds} starts, {bench.machine()}")
    bench.table([("median", f"{statistics.median(times) * 1000:.1f} ms"), ("slowest", f"{max(times) * 1000:.1f} ms")])


main()
