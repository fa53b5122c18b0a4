"""Recording a pipe ping-pong: against nothing, a bare tracer with the same stops, and strace.

usage: record.py BIN-FOLDER [TRIPS [ROUNDS]]
"""
import json
import os
import subprocess
import sys
import tempfile

import bench

CALLS = "read,write,close,pipe,pipe2,wait4,clone,clone3,fork,vfork,dup,dup2,exit,exit_group,execve,openat"


def main():
    folder = sys.argv[1]
    trips = sys.argv[2] if len(sys.argv) > 2 else "100000"
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    program = [f"{folder}/pingpong", trips]
    with tempfile.TemporaryDirectory() as work:
        recording = f"{work}/run.ipclab"
        medians = bench.alternate({
            "native": program,
            "bare": [f"{folder}/bare_tracer", *program],
            "ipclab": [f"{folder}/ipclab", "trace", "--quiet", "-o", recording, "--", *program],
            "strace": ["strace", "-f", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", f"{work}/strace.log", *program],
        }, rounds)
        size = os.path.getsize(recording)
        seen = subprocess.run([f"{folder}/recording_stat", recording], capture_output=True, text=True, check=True)
        facts = json.loads(seen.stdout)
    print(f"{trips} round trips, medians of {rounds}, {bench.machine()}")
    bench.table([(name, f"{seconds:.3f} s   {seconds / medians['native']:.2f} x native") for name, seconds in medians.items()])
    events = facts["events"]
    bench.table([
        ("ipclab / bare", f"{medians['ipclab'] / medians['bare']:.3f}"),
        ("ipclab / strace", f"{medians['ipclab'] / medians['strace']:.3f}"),
        ("events", events),
        ("bytes an event, without payload", f"{(size - facts['payload']) / events:.1f}"),
    ])


main()
