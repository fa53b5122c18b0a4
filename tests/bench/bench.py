"""What the benches share: alternating runs, medians, ratios. Nothing here passes or fails on a time."""
import os
import statistics
import subprocess
import time


def wall(command, **kwargs):
    """Seconds that a command takes."""
    begin = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, **kwargs)
    return time.monotonic() - begin


def alternate(commands, rounds):
    """Runs each command once a round, so that a noisy moment hits all of them; medians by name."""
    times = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(wall(command))
    return {name: statistics.median(values) for name, values in times.items()}


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def table(rows):
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")


def machine():
    return f"{os.cpu_count()} CPUs, Linux {os.uname().release}, load {os.getloadavg()[0]:.1f}"
