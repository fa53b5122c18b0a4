"""From save to verdict: a changed file, compiled, run and judged, as the runner does it at each save.

usage: verdict.py BIN-FOLDER ROOT [ROUNDS]
"""
import glob
import os
import statistics
import sys
import tempfile

import bench


def main():
    folder, root = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    print(f"save to verdict, {rounds} saves each, {bench.machine()}")
    rows = []
    for solution in sorted(glob.glob(f"{root}/solutions/*/*.c")):
        exercise = os.path.relpath(solution, f"{root}/solutions")[:-2]
        if not os.path.exists(f"{root}/exercises/{exercise}.c"):
            continue
        with open(solution, encoding="utf-8") as file:
            text = file.read()
        times = []
        with tempfile.TemporaryDirectory() as work:
            for number in range(rounds):
                path = f"{work}/mine.c"
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"{text}\n/* save {os.getpid()} {number} */\n")
                times.append(bench.wall([f"{folder}/ipclab", "grade", exercise, path, "--keep", work]))
        rows.append((exercise, f"median {statistics.median(times):.3f} s   slowest {max(times):.3f} s"))
    bench.table(rows)


main()
