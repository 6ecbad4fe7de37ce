#!/bin/bash
# A session with a simulated machine: the RTEMS cell from absent to running, its failure and restart, its end.
# Shows each command as it is typed, with what it really prints; status 0 only if everything that should be seen was.
#
#   demo.sh BINARIES
set -euo pipefail

# shellcheck source=Tests/Integration/machine.sh
. "$(dirname "$0")/../Integration/machine.sh"
binaries=$(realpath "$1")
work=$(mktemp --directory --tmpdir jailhoused-demo.XXXXXX)

finish() {
    local status=$?
    trap - EXIT
    if ((status != 0)); then
        echo "the demo failed; what the daemon said:" >&2
        cat "$work/daemon.log" >&2 || true
    fi
    if [[ -n ${watch:-} ]]; then kill "$watch" 2>/dev/null || true; fi
    stop_machine
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Tells what comes next.
say() { printf '\n# %s\n' "$*"; }

# Runs a command, shown as it is typed, and keeps its output for `expect`.
run() {
    echo "\$ $*"
    local status=0
    output=$("$@" 2>&1) || status=$?
    [[ -z $output ]] || echo "$output"
    return "$status"
}

# This must be in the last output.
expect() {
    [[ $output =~ $1 ]] || { echo "expected to see: $1" >&2 && exit 1; }
}

echo "# a simulated machine with 4 CPUs, 1 GiB of memory and the Jailhouse driver; in it, jailhoused"
copy_definitions "$work"
start_machine "$work" "$binaries" --cells script

say "the daemon has enabled the hypervisor, and knows the RTEMS cell by its definition"
run jailhouse-ctl list
expect 'rtems +- +- +absent +3 +0'

say "started: created, its ELF image loaded, set off"
run jailhouse-ctl start rtems
run jailhouse-ctl list
expect 'rtems +1 +running +running +3 +0'

say "the inmate fails: it touches an I/O port that is not its own"
coproc changes { exec jailhouse-ctl watch rtems; }
watch=$!
exec {changes_seen}<&"${changes[0]}"
read -r -t 20 -u "$changes_seen" _
run jailhouse-sim inject rtems fail

say "nobody does anything; what the daemon does, as jailhouse-ctl watch rtems shows it"
output=
until [[ $output =~ 'starting → running' ]]; do
    read -r -t 20 -u "$changes_seen" line || { echo "expected to see it running" >&2 && exit 1; }
    echo "$line"
    output+=$line
done
run jailhouse-ctl list
expect 'rtems +1 +running +running +3 +1'

say "what it kept of the failure"
run jailhouse-ctl status rtems
expect 'FATAL'

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
