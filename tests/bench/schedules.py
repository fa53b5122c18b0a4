"""Schedules a second: a program run under control, again and again, beside the same program started, run and
reaped by a bare loop, both on one CPU, in turns.

usage: schedules.py BIN-FOLDER [ROUNDS]
"""
import os
import statistics
import sys
import tempfile
import time

import bench

RUNS = 400
PROGRAMS = ["seventy", "pipes", "tree", "waits", "signals", "spawn"]


def bare(program, runs):
    """Starts, runs and reaps it `runs` times; seconds."""
    begin = time.monotonic()
    for _ in range(runs):
        pid = os.posix_spawn(program, [program], {})
        os.waitpid(pid, 0)
    return time.monotonic() - begin


def controlled(folder, program, runs):
    """As many schedules of it; seconds of one process that makes them all."""
    return bench.wall([f"{folder}/drive", "-n", str(runs), "-r", "1", program])


def main():
    folder = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"schedules a second, {RUNS} runs, {rounds} rounds, one CPU, {bench.machine()}")
    rows = []
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        for name in PROGRAMS:
            program = f"{folder}/control_{name}"
            plain, ours = [], []
            for _ in range(rounds):
                plain.append(bare(program, RUNS))
                ours.append(controlled(folder, program, RUNS))
            ratios = [p / o for p, o in zip(plain, ours)]
            rows.append((name, f"bare {RUNS / statistics.median(plain):.0f}/s   controlled "
                               f"{RUNS / statistics.median(ours):.0f}/s   ratio {statistics.median(ratios):.2f}"))
    bench.table(rows)


main()
