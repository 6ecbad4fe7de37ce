#!/usr/bin/env python3
"""From a cell's failure to its next run, as the kernel's files show both, with an 8 MiB image.

    restart.py STATE_FILE ROUNDS INJECT...

STATE_FILE is the cell's `state` in the simulated machine's sysfs; INJECT is the command that makes the cell fail.
The time runs from the first look that finds "failed" to the first that finds "running" again: the daemon's poll
interval, its load of the image, and the settling time before the start are in it, and the start itself, too.
"""

import statistics
import subprocess
import sys
import time

state_file, rounds, *inject = sys.argv[1:]
LIMIT = 0.025


def wait_for(state):
    """When the cell's state was first seen to be this one."""
    deadline = time.monotonic() + 20
    with open(state_file, "rb", buffering=0) as file:
        while time.monotonic() < deadline:
            file.seek(0)
            if file.read(64).strip() == state:
                return time.monotonic()
    sys.exit(f"the cell was not {state.decode()} within 20 s")


times = []
for _ in range(int(rounds)):
    wait_for(b"running")
    failing = subprocess.Popen(inject, stdout=subprocess.DEVNULL)
    failed = wait_for(b"failed")
    times.append(wait_for(b"running") - failed)
    if failing.wait() != 0:
        sys.exit("the fault could not be injected")

times.sort()
median = statistics.median(times)
print(f"failure to running again, {len(times)} times, 8 MiB image, 10 ms poll interval:")
for name, value in [
    ("fastest", times[0]),
    ("median", median),
    ("90 %", times[int(len(times) * 0.9)]),
    ("slowest", times[-1]),
]:
    print(f"  {name:8} {value * 1000:6.1f} ms")
if median >= LIMIT:
    sys.exit(f"the median must be below {LIMIT * 1000:.0f} ms")
