#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the program costs, beside the least that can do the same, measured in the same run.

    budget.py BINARIES            prints the table: goal, measured, ratio
    budget.py BINARIES --limits   measures what repeats (sizes, relocations, instructions, system calls and allocations of
                                  a look) and compares it with limits.txt; exits 1 if anything is more than 3 % above

Needs cc, strace, valgrind and readelf.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

# in memory, as /run and sysfs are
if os.access("/dev/shm", os.W_OK):
    tempfile.tempdir = "/dev/shm"
HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parents[2]
ROOM = 1.03

CELL = """[cell]
name = "cell{0}"
architecture = "x86"
cpus = [{0}]
message-timeout = 1000000
reset-address = 0x0

[[memory]]
name = "ram"
physical = {1:#x}
virtual = 0x0
size = "64 KiB"
access = ["read", "write", "execute", "loadable"]

[[memory]]
virtual = 0x90000000
size = "4 KiB"
access = ["read", "write", "communication-region"]

[[image]]
path = "{2}"
address = 0x0

[supervision]
autostart = true
"""


# What every program here has in it: the runtime, and JSON coding, which the protocol needs and swift-argument-parser brings.
LEAST = """import FoundationEssentials
struct Value: Codable { var number: Int }
let value = try JSONDecoder().decode(Value.self, from: Data("{\\"number\\":1}".utf8))
print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
"""
LINKED = ["--gc-sections", "--no-export-dynamic", "-z", "pack-relative-relocs"]

SIZES = {"jailhoused, stripped, KiB": "12288", "jailhouse-ctl, stripped, KiB": "8192"}

# each does next to nothing; what it takes to begin is most of it
PEERS = [["systemctl", "--version"], ["virsh", "--version"], ["s6-svstat", "-h"], ["sv", "--help"], ["supervisorctl", "version"]]


def run(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


def wait_until(what, condition, process):
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline or process.poll() is not None:
            sys.exit(f"waited in vain until {what}")
        time.sleep(0.002)


class Machine:
    """A simulated machine with so many cells, all of which run, and the daemon in it."""

    def __init__(self, binaries, cells):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="jailhoused-bench."))
        self.binaries = binaries
        self.table = self.work / "allocations"
        self.environment = os.environ | {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "JAILHOUSE_SIM_DIRECTORY": str(self.work / "machine"),
            "JAILHOUSED_SOCKET": str(self.work / "run/control"),
        }
        self.sysfs = self.work / "machine/root/sys/devices/jailhouse"
        self.define(cells)
        log = open(self.work / "machine.log", "w")
        serve = ["jailhouse-sim", "serve", "--cells", "script", "--cpus", str(max(cells + 1, 4)), "--memory", "8GiB"]
        begin = time.monotonic()
        self.machine = self.start(serve, log)
        wait_until("the machine is ready", lambda: "ready" in (self.work / "machine.log").read_text(), self.machine)
        self.serving = time.monotonic() - begin
        # beside what jailhouse-sim loads itself
        counted = 'exec env LD_PRELOAD="$0:$LD_PRELOAD" ALLOCATIONS="$1" "$2" --configuration "$3" --runtime "$4"'
        arguments = [binaries / "allocations.so", self.table, binaries / "jailhoused", self.work / "etc", self.work / "run"]
        words = ["jailhouse-sim", "exec", "--", "sh", "-c", counted, *map(str, arguments)]
        begin = time.monotonic()
        self.wrapper = self.start(words, open(self.work / "daemon.log", "w"))
        wait_until("all cells run", lambda: self.running() == cells, self.wrapper)
        self.bring_up = time.monotonic() - begin
        self.daemon = next(
            int(process) for process in os.listdir("/proc") if process.isdigit() and self.is_daemon(process))

    def define(self, cells):
        for folder in ["etc/cells", "run"]:
            (self.work / folder).mkdir(parents=True)
        os.chmod(self.work / "etc", 0o755)
        image = self.work / "image"
        image.write_bytes(bytes(4096))
        (self.work / "system.toml").write_text(
            f"""[system]
architecture = "x86"
virtual-debug-console = true

[hypervisor-memory]
physical = 0x180000000
size = "64 MiB"

[root-cell]
name = "bench"
cpus = "0-{max(cells, 3)}"

[[memory]]
physical = 0x188000000
size = "64 MiB"
access = ["read", "write", "execute", "dma"]
""")
        (self.work / "etc/jailhoused.toml").write_text(f'system = "{self.work}/system.toml"\n')
        for cell in range(1, cells + 1):
            text = CELL.format(cell, 0x188000000 + cell * 0x10000, image)
            (self.work / f"etc/cells/cell{cell}.toml").write_text(text)

    def start(self, words, log):
        return subprocess.Popen(words, env=self.environment, stdout=log, stderr=subprocess.STDOUT, umask=0o022)

    def is_daemon(self, process):
        try:
            words = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return words[0].endswith(b"jailhoused") and str(self.work / "run").encode() in words

    def running(self):
        states = [path.read_text() for path in self.sysfs.glob("cells/*/state") if path.parent.name != "0"]
        return states.count("running\n")

    def ctl(self, *words):
        return run("jailhouse-ctl", *words, env=self.environment)

    def spent(self, process):
        """Nanoseconds of all threads."""
        return sum(int(path.read_text().split()[0]) for path in pathlib.Path(f"/proc/{process}/task").glob("*/schedstat"))

    def end(self):
        for process in [self.wrapper, self.machine]:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.work, ignore_errors=True)

    def look(self, seconds=3):
        """System calls and allocations of one comparison: of the thread that compares, which is the one that reads most."""
        trace = self.work / "trace"
        before = self.allocations()
        tracer = subprocess.Popen(["strace", "-f", "-q", "-o", trace, "-p", str(self.daemon)], stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        after = self.allocations()
        calls = {}
        for line in trace.read_text(errors="replace").splitlines():
            found = re.match(r"(\d+) +(\w+)\(", line)
            if found:
                calls.setdefault(int(found[1]), []).append(found[2])
        thread, calls = max(calls.items(), key=lambda entry: entry[1].count("pread64"))
        # from one pause to the next
        looks, length = [], None
        for call in calls:
            if call in ("futex", "epoll_wait", "epoll_pwait"):
                if length:
                    looks.append(length + 1)
                length = 0
            elif length is not None:
                length += 1
        return statistics.mode(looks), (after.get(thread, 0) - before.get(thread, 0)) / len(looks)

    def allocations(self):
        numbers = struct.iter_unpack("qq", self.table.read_bytes())
        return {thread: count for thread, count in numbers if thread}


def instructions(words, environment):
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={file.name}", *words], env=environment, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return int(re.search(r"^(?:summary|totals): (\d+)", file.read().decode(errors="replace"), re.M)[1])


def median_ms(commands, environment, rounds=100):
    """Medians of commands that are run in turn."""
    times = [[] for _ in commands]
    for _ in range(rounds):
        for index, words in enumerate(commands):
            begin = time.perf_counter()
            subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            times[index].append((time.perf_counter() - begin) * 1000)
    return [statistics.median(each) for each in times]


def repeatable(binaries, machine):
    rows = {}
    for program in ["jailhoused", "jailhouse-ctl"]:
        stripped = binaries / f"{program}.stripped"
        run("strip", "-o", str(stripped), str(binaries / program))
        rows[f"{program}, stripped, KiB"] = os.path.getsize(stripped) / 1024
        relocations = run("readelf", "--relocs", "--wide", str(binaries / program))
        rows[f"{program}, relative relocations"] = relocations.count("_RELATIV")
    calls, allocations = machine.look()
    rows["system calls of a look, 8 cells"] = calls
    rows["allocations of a look, 8 cells"] = allocations
    # valgrind does not get along with the debugging information of all versions of Swift
    command = [str(binaries / "jailhouse-ctl.stripped"), "list"]
    rows["list, 8 cells, 1,000 instructions"] = instructions(command, machine.environment) / 1000
    return rows


def least(binaries):
    """The size in KiB of the least Swift program that reads and writes JSON, linked as ours are."""
    source = binaries / "least.swift"
    source.write_text(LEAST)
    words = [word for flag in LINKED for word in ["-Xlinker", flag]]
    run("swiftc", "-O", "-static-stdlib", "-use-ld=lld", "-o", str(binaries / "least"), str(source), *words)
    run("strip", str(binaries / "least"))
    return os.path.getsize(binaries / "least") / 1024


def compare(rows):
    limits = {}
    for line in (HERE / "limits.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, limit = line.split(": ")
            limits[name] = float(limit)
    if missing := limits.keys() - rows.keys():
        sys.exit(f"limits.txt names what is not measured: {sorted(missing)}")
    worse = 0
    for name, value in rows.items():
        limit = limits.get(name)
        is_worse = limit is not None and value > limit * ROOM
        worse += is_worse
        verdict = "no limit" if limit is None else f"limit {limit:,.1f}{', MORE THAN 3 % ABOVE' if is_worse else ''}"
        print(f"{name:40} {value:12,.1f}  {verdict}")
    return worse


def row(name, goal, value, unit, ratio=""):
    print(f"| {name} | {goal} | {f'{value:.2f} {unit}'.strip()} | {ratio} |", flush=True)


def table(binaries, rows, machine, scales):
    print("| what | goal | measured | beside its peer |\n| --- | --- | --- | --- |")
    floor = least(binaries)
    for name, value in rows.items():
        size = name.endswith("stripped, KiB")
        row(name, SIZES.get(name, ""), value, "", f"{value / floor:.1f} × the least Swift program with JSON" if size else "")
    ours = [str(binaries / "jailhouse-ctl"), "list"]
    peers = [str(binaries / "peers"), "list", str(machine.sysfs)]
    others = [words for words in PEERS if shutil.which(words[0])]
    times = median_ms([ours, peers, *others], machine.environment)
    row("`list` of 8 cells", "3.5 × the C program", times[0], "ms", f"{times[0] / times[1]:.1f} × ({times[1]:.2f} ms)")
    for words, value in zip(others, times[2:]):
        row(f"beside it: `{' '.join(words)}`", "", value, "ms", f"{times[0] / value:.1f} ×")
    checked = [str(binaries / "jailhouse-ctl"), "check", str(machine.work / "system.toml"), str(machine.work / "etc/cells/cell1.toml")]
    row("`check` of a system with one cell", "10 ms", median_ms([checked], machine.environment)[0], "ms")
    row("daemon, start to READY", "30 ms", start_to_ready(binaries, machine), "ms")
    row("`jailhouse-sim serve`, start to ready", "80 ms", machine.serving * 1000, "ms")
    rollup = pathlib.Path(f"/proc/{machine.daemon}/smaps_rollup").read_text()
    for word, goal in [("Rss", "12 MiB"), ("Anonymous", "3 MiB")]:
        row(f"daemon, {word}", goal, int(re.search(rf"^{word}: +(\d+)", rollup, re.M)[1]) / 1024, "MiB")
    poll(binaries, machine, 8, "0.5 %")
    watched(machine, 8)
    for cells in scales:
        other = Machine(binaries, cells)
        try:
            poll(binaries, other, cells, "4 %" if cells == 64 else "")
            watched(other, cells)
            commands = [ours, [str(binaries / "peers"), "list", str(other.sysfs)]]
            times = median_ms(commands, other.environment, 30)
            row(f"`list` of {cells} cells", "", times[0], "ms", f"{times[0] / times[1]:.1f} ×")
        finally:
            other.end()


def start_to_ready(binaries, machine, rounds=20):
    """Milliseconds until a daemon on a machine without a driver and cells says READY to its service manager; the median."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="jailhoused-bench."))
    (place / "etc/cells").mkdir(parents=True)
    (place / "run").mkdir()
    (place / "etc/jailhoused.toml").touch()
    words = [binaries / "jailhoused", "--configuration", place / "etc", "--runtime", place / "run"]
    times = []
    for _ in range(rounds):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            address = str(place / "notify")
            pathlib.Path(address).unlink(missing_ok=True)
            manager.bind(address)
            manager.settimeout(20)
            environment = machine.environment | {"NOTIFY_SOCKET": address}
            begin = time.perf_counter()
            daemon = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, umask=0o022)
            while b"READY=1" not in manager.recv(4096):
                pass
            times.append((time.perf_counter() - begin) * 1000)
            daemon.kill()
            daemon.wait()
    shutil.rmtree(place)
    return statistics.median(times)


def watched(machine, cells, clients=16, seconds=10):
    """What clients that watch cost the daemon while nothing changes."""
    words = [str(machine.binaries / "jailhouse-ctl"), "watch"]
    watchers = [subprocess.Popen(words, env=machine.environment, stdout=subprocess.DEVNULL) for _ in range(clients)]
    time.sleep(2)
    before = machine.spent(machine.daemon)
    time.sleep(seconds)
    spent = machine.spent(machine.daemon) - before
    for watcher in watchers:
        watcher.terminate()
        watcher.wait()
    row(f"daemon, {cells} cells, {clients} clients that watch", "", 100 * spent / 1e9 / seconds, "% of a core")


def poll(binaries, machine, cells, goal, seconds=10):
    """Both at once: what disturbs one disturbs the other."""
    peer = ["jailhouse-sim", "exec", "--", "/bin/sh", "-c", 'exec "$0" poll /sys/devices/jailhouse "$1"']
    words = [*peer, str(binaries / "peers"), str(seconds + 2)]
    process = subprocess.Popen(words, env=machine.environment)
    time.sleep(1)
    child = max((int(each) for each in descendants(process.pid)), default=process.pid)
    before = machine.spent(machine.daemon), machine.spent(child)
    time.sleep(seconds)
    after = machine.spent(machine.daemon), machine.spent(child)
    process.wait()
    ours, theirs = (100 * (late - early) / 1e9 / seconds for early, late in zip(before, after))
    row(f"daemon at rest, {cells} cells at 10 ms", goal, ours, "% of a core", f"{ours / theirs:.1f} × the C loop")


def descendants(process):
    for child in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split():
        yield child
        yield from descendants(child)


def main():
    binaries = pathlib.Path(sys.argv[1]).resolve()
    tools = pathlib.Path(tempfile.mkdtemp(prefix="jailhoused-bench."))
    for program in ["jailhoused", "jailhouse-ctl", "jailhouse-sim", "libjailhouse-sim-preload.so"]:
        (tools / program).symlink_to(binaries / program)
    run("cc", "-O2", "-o", str(tools / "peers"), str(HERE / "peers.c"))
    run("cc", "-O2", "-shared", "-fPIC", "-o", str(tools / "allocations.so"), str(HERE / "allocations.c"))
    machine = Machine(tools, 8)
    try:
        rows = repeatable(tools, machine)
        if "--limits" in sys.argv:
            sys.exit(1 if compare(rows) else 0)
        table(tools, rows, machine, [1, 64, 250])
    finally:
        machine.end()
        shutil.rmtree(tools, ignore_errors=True)


main()
