#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How long a failed cell stands still: see restart.py.
#
#   restart.sh BINARIES [ROUNDS]
set -euo pipefail

# shellcheck source=Tests/Integration/machine.sh
. "$(dirname "$0")/../../Integration/machine.sh"
take_precedence "$@"
binaries=$(realpath "$1")
rounds=${2:-100}
# in memory, as /run and sysfs are
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm
work=$(mktemp --directory --tmpdir jailhoused-bench.XXXXXX)
trap 'stop_machine; rm -rf "$work"' EXIT

# the RTEMS cell, with an image that fills its RAM, and no wait before a restart
copy_definitions "$work"
truncate --size=8M "$work/image"
{
    sed '/^\[\[image\]\]/,$d' "$project/configs/cells/rtems.toml"
    cat <<EOF
[[image]]
path = "$work/image"
address = 0x0

[supervision]
restart = "on-failure"
delay = "0 ms"
maximum-delay = "0 ms"
limit = { attempts = 1000, within = "60 s" }
EOF
} >"$work/etc/cells/rtems.toml"

start_machine "$work" "$binaries" --cells script
jailhouse-ctl start rtems
python3 "$project/Tests/Programs/bench/restart.py" "$JAILHOUSE_SIM_DIRECTORY/root/sys/devices/jailhouse/cells/1/state" \
    "$rounds" jailhouse-sim inject rtems fail
