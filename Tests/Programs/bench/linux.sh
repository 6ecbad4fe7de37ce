#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How long a real Linux in a simulated cell takes from its start to its shell, with two processors: the kernel and the
# initial RAM file system of make guest-kernel. Without them nothing is measured.
#
#   linux.sh BINARIES GUEST [ROUNDS]
set -euo pipefail

project=$(realpath "$(dirname "$0")/../../..")
binaries=$(realpath "$1")
rounds=${3:-5}
if [[ ! -e $2/bzImage ]]; then
    echo "Linux to its shell: not measured, make guest-kernel makes the kernel"
    exit
fi
guest=$(realpath "$2")
work=$(mktemp --directory --tmpdir jailhoused-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT

sed "s|/boot/vmlinuz|$guest/bzImage|; s|# initrd = .*|initrd = \"$guest/initrd.gz\"\\nloader = \"$project/inmates/build/linux-loader.bin\"|" \
    "$project/configs/cells/linux-x86.toml" >"$work/linux.toml"
for ((round = 0; round < rounds; round++)); do
    # its init prints this line before it executes the shell
    "$binaries/jailhouse-sim" run "$work/linux.toml" --until '^guest: .* online' --fail 'Kernel panic' --timeout 120 2>&1 >/dev/null |
        awk '/^passed after / { print $3; found = 1 } END { exit !found }'
done | sort -n | awk '{ times[NR] = $1 } END {
    printf "Linux to its shell, 2 processors: median %.2f s (%.2f to %.2f)\n", times[int((NR + 1) / 2)], times[1], times[NR] }'
