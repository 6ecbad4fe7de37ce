#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A session with a simulated machine whose cells execute: a program that stands in for RTEMS, from absent to running, its
# console, its end; beside it one that touches what is not its own, fails, and is started again until that is too often.
# Shows each command as it is typed, with what it really prints; status 0 only if everything that should be seen was.
#
#   demo.sh BINARIES
set -euo pipefail

# shellcheck source=Tests/Integration/machine.sh
. "$(dirname "$0")/../../Integration/machine.sh"
binaries=$(realpath "$1")
# shellcheck source=Tests/Programs/demo/session.sh
. "$(dirname "$0")/session.sh"

# Runs a command that does not end by itself, shown as it is typed, until its output has the pattern.
watch_for() {
    local pattern=$1 line
    shift
    output=
    echo "\$ $*"
    coproc { exec "$@"; }
    watch=$COPROC_PID
    local seen
    exec {seen}<&"${COPROC[0]}"
    until [[ $output =~ $pattern ]]; do
        read -r -t 20 -u "$seen" line || { echo "expected to see: $pattern" >&2 && exit 1; }
        echo "$line"
        output+=$line
    done
    kill "$watch" 2>/dev/null || true
    wait "$watch" 2>/dev/null || true
    exec {seen}<&-
    watch=
}

echo "# a simulated machine with 4 CPUs, 1 GiB of memory and the Jailhouse driver; in it, jailhoused"
copy_definitions "$work"
# beside it, on a CPU and in memory of its own: a program that touches what is not its own
sed "s|/usr/lib/jailhoused/inmates|$project/inmates/build|; s|\"2-3\"|[2]|; s|0x3a|0x3b|; s|mode=port-read|mode=port-write|
    s|restart = \"never\"|restart = \"on-failure\"\ndelay = \"10 ms\"\nlimit = { attempts = 2, within = \"60 s\" }|" \
    "$project/configs/cells/misbehave.toml" >"$work/etc/cells/misbehave.toml"
start_machine "$work" "$binaries" --cells execute

say "the daemon has enabled the hypervisor, and knows two cells by their definitions; rtems runs a program that stands in for an RTEMS application"
run jailhouse-ctl list
expect 'rtems +- +- +absent +3 +0'

say "started: created, its ELF image loaded, set off"
run jailhouse-ctl start rtems
run jailhouse-ctl list
expect 'rtems +1 +running +running +3 +0'

say "it executes: this comes out of its serial port"
watch_for 'rtems: 1 s' jailhouse-sim console rtems

say "another program writes to an I/O port that is not its cell's"
run jailhouse-ctl start misbehave || true # it may be dead before anybody has seen it alive
watch_for 'port-write' jailhouse-sim console misbehave
gave_up() { jailhouse-ctl list | grep --quiet 'misbehave .* gave-up'; }
await "$daemon" gave_up

say "the hypervisor parked its CPU; the daemon has started it again, and again; it keeps the reason and the registers"
run jailhouse-ctl status misbehave || true # it does not run
expect 'FATAL: Invalid PIO write, port: 70 size: 1'
expect 'RDX: 0x0000000000000070'
run jailhouse-ctl list
expect 'misbehave +2 +failed +gave-up +2 \(failed: 2\) +2'
expect 'rtems +1 +running +running +3 +0'

say "started anew by hand, it begins again"
run jailhouse-ctl restart rtems
watch_for 'entered as a cell' jailhouse-sim console rtems

say "the communication region, through which hypervisor and inmate talk"
run jailhouse-ctl comm rtems
expect '0x900000'
expect 'running \(0\)'

say "stopped: the inmate is asked, and approves"
run jailhouse-ctl stop rtems
run jailhouse-ctl comm rtems
expect 'approved'
expect 'shut down \(2\)'

say "destroyed: its CPU and memory are Linux's again; then the hypervisor goes"
run jailhouse-ctl destroy rtems
run jailhouse-ctl list
expect 'rtems +- +- +absent +3'
run jailhouse-ctl disable

say "all was seen as expected"
