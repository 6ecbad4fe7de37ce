#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How long a failed cell stands still while another cell's image is on a file system that hangs, and the 900 MiB image of
# a third is loaded again and again: at most twice as long, in the median, as when nothing else happens. As root.
#
#   beside.sh BINARIES [ROUNDS]
set -euo pipefail

[[ $EUID = 0 && -w /dev/fuse ]] || { echo "beside.sh: left out: it takes root and /dev/fuse" && exit 0; }
# shellcheck source=Tests/Integration/machine.sh
. "$(dirname "$0")/../../Integration/machine.sh"
take_precedence "$@"
binaries=$(realpath "$1")
rounds=${2:-100}
# in memory, as /run and sysfs are
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm
work=$(mktemp --directory --tmpdir jailhoused-bench.XXXXXX)
mkdir "$work/stuck"
trap 'stop_machine; kill ${loads:-} ${hanging:-} 2>/dev/null || true; umount --lazy "$work/stuck" 2>/dev/null || true; rm -rf "$work"' EXIT

# all that is not Linux's is above 6 GiB: the hypervisor and memory for cells
copy_definitions "$work"
sed -e 's/^physical = 0x3e800000/physical = 0x180000000/' -e 's/^physical = 0x3a000000/physical = 0x188000000/' \
    -e 's/^size = "72 MiB"/size = "1200 MiB"/' "$project/configs/systems/q35.toml" >"$work/system.toml"
echo "system = \"$work/system.toml\"" >"$work/etc/jailhoused.toml"

# NAME CPU ADDRESS MIB IMAGE
cell() {
    cat <<EOF
[cell]
name = "$1"
architecture = "x86"
cpus = [$2]
message-timeout = 1000000
reset-address = 0x0

[[memory]]
name = "ram"
physical = $3
virtual = 0x0
size = "$4 MiB"
access = ["read", "write", "execute", "loadable"]

[[memory]]
virtual = 0x90000000
size = "4 KiB"
access = ["read", "write", "communication-region"]

[[image]]
path = "$5"
address = 0x0

[supervision]
restart = "on-failure"
delay = "0 ms"
maximum-delay = "0 ms"
limit = { attempts = 1000, within = "60 s" }
EOF
}

# it ends when its input does
mkfifo "$work/input"
exec 9<>"$work/input"
python3 "$project/Tests/Integration/hanging_filesystem.py" "$work/stuck" image 4096 <&9 >"$work/hanging" &
hanging=$!
await $hanging grep --quiet ready "$work/hanging"
truncate --size=8M "$work/image"
truncate --size=900M "$work/large-image"
cell rtems 1 0x188000000 8 "$work/image" >"$work/etc/cells/rtems.toml"
cell stuck 2 0x18a000000 8 "$work/stuck/image" >"$work/etc/cells/stuck.toml"
cell large 3 0x190000000 900 "$work/large-image" >"$work/etc/cells/large.toml"

start_machine "$work" "$binaries" --cells script --memory 8GiB
jailhouse-ctl start rtems
state=$JAILHOUSE_SIM_DIRECTORY/root/sys/devices/jailhouse/cells/1/state
measure() {
    RESTART_LIMIT=inf python3 "$project/Tests/Programs/bench/restart.py" "$state" "$rounds" jailhouse-sim inject rtems fail | tee "$work/$1"
}
median() { sed -n 's/^  median *\([0-9.]*\) ms .*/\1/p' "$work/$1"; }

echo "undisturbed:"
measure alone
jailhouse-ctl start stuck &
(while jailhouse-ctl restart large >/dev/null; do echo >>"$work/loads"; done) &
loads=$!
echo "beside an image on a file system that hangs and one of 900 MiB:"
measure beside
echo "meanwhile the large image was loaded $(wc -l <"$work/loads") times"
awk -v alone="$(median alone)" -v beside="$(median beside)" 'BEGIN {
    printf "median %.1f times as long\n", beside / alone
    exit beside > 2 * alone }'
