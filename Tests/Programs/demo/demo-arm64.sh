#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The same daemon on a simulated Arm64 machine: a cell says hello and is stopped; another touches what is not its own, is
# started again, and is explained. Shows each command with what it really prints; status 0 only if everything that should
# be seen was.
#
#   demo-arm64.sh BINARIES
set -euo pipefail

# shellcheck source=Tests/Integration/machine.sh
. "$(dirname "$0")/../../Integration/machine.sh"
binaries=$(realpath "$1")
# shellcheck source=Tests/Programs/demo/session.sh
. "$(dirname "$0")/session.sh"

# Whether a cell has printed this on its serial port.
printed() {
    local text
    # it goes on until it is ended
    text=$(timeout 1 jailhouse-sim console "$1" </dev/null 2>&1) || true
    [[ $text =~ $2 ]]
}

echo "# a simulated Arm64 machine with 4 CPUs, GICv3, 1 GiB of memory and the Jailhouse driver; in it, jailhoused"
mkdir -p "$work/etc/cells"
echo "system = \"$project/configs/systems/qemu-arm64.toml\"" >"$work/etc/jailhoused.toml"
for cell in hello misbehave; do
    sed "s|/usr/lib/jailhoused/inmates|$project/inmates/build|
        s|restart = \"never\"|restart = \"on-failure\"\ndelay = \"10 ms\"\nlimit = { attempts = 2, within = \"60 s\" }|" \
        "$project/configs/cells/arm64/$cell.toml" >"$work/etc/cells/$cell-arm64.toml"
done
start_machine "$work" "$binaries" --architecture arm64 --cells execute

run jailhouse-ctl start hello-arm64
await "$daemon" printed hello-arm64 'hello: from processor 1, GICv3'
run jailhouse-ctl list
expect 'hello-arm64 +1 +running +running +1 +0'

say 'another program writes where its cell has no memory'
run jailhouse-ctl start misbehave-arm64 || true # it may be dead before anybody has seen it alive
gave_up() { jailhouse-ctl list | grep --quiet 'misbehave-arm64 .* gave-up'; }
await "$daemon" gave_up
run jailhouse-ctl status misbehave-arm64 || true # it does not run
expect 'Unhandled data write at 0x20000000\(4\)'
expect 'FATAL: unhandled trap \(exception class 0x24\)'

say 'stopped by a handshake'
run jailhouse-ctl stop hello-arm64
run jailhouse-ctl list
expect 'hello-arm64 +1 +shut down +stopped'
