#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What a cell that executes costs while its inmate has halted: its QEMU, and the simulated machine that looks at it.
#
#   executing.sh BINARIES [SECONDS]
set -euo pipefail

# shellcheck source=Tests/Integration/machine.sh
. "$(dirname "$0")/../../Integration/machine.sh"
binaries=$(realpath "$1")
seconds=${2:-10}
work=$(mktemp --directory --tmpdir jailhoused-bench.XXXXXX)
trap 'stop_machine; rm -rf "$work"' EXIT

mkdir -p "$work/etc/cells"
echo "system = \"$project/configs/systems/q35.toml\"" >"$work/etc/jailhoused.toml"
sed "s|/usr/lib/jailhoused/inmates|$project/inmates/build|; s|\"2-3\"|[3]|; s|mode=port-read|mode=halt|" \
    "$project/configs/cells/misbehave.toml" >"$work/etc/cells/misbehave.toml"
start_machine "$work" "$binaries" --cells execute
jailhouse-ctl start misbehave >/dev/null
# what brings the cell up is over
sleep 1

# nanoseconds of all threads
spent() { cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { print sum }'; }
# $machine is jailhouse-sim: start_machine has set it
# shellcheck disable=SC2154
emulator=$(pgrep --parent "$machine" qemu)
before=("$(spent "$emulator")" "$(spent "$machine")")
sleep "$seconds"
after=("$(spent "$emulator")" "$(spent "$machine")")
for index in 0 1; do
    awk -v name="$([[ $index == 0 ]] && echo "QEMU" || echo "jailhouse-sim")" \
        -v spent=$((after[index] - before[index])) -v seconds="$seconds" \
        'BEGIN { printf "idle cell, %s: %.2f %% of a CPU\n", name, spent / 1e7 / seconds }'
done
awk '/^(Rss|Pss):/ { printf "idle cell, QEMU: %s %.1f MB\n", $1, $2 / 1024 }' "/proc/$emulator/smaps_rollup"
echo "load of this machine: $(cut -d' ' -f1 /proc/loadavg) on $(nproc) CPUs"
