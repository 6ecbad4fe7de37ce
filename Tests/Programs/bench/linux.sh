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
work=$(mktemp --directory --tmpdir jailhoused-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
guest=$(realpath "$2")

# ARCHITECTURE KERNEL DEFINITION SYSTEM SED-SCRIPT
measure() {
    if [[ ! -e $guest/$2 ]]; then
        echo "Linux to its shell, $1: not measured, make guest-kernel ARCHITECTURE=$1 makes the kernel"
        return
    fi
    sed "$5" "$project/configs/cells/$3.toml" >"$work/linux.toml"
    for ((round = 0; round < rounds; round++)); do
        # its init prints this line before it executes the shell
        "$binaries/jailhouse-sim" run "$work/linux.toml" --system "$project/configs/systems/$4.toml" \
            --until '^guest: .* online' --fail 'Kernel panic' --timeout 120 2>&1 >/dev/null |
            awk '/^passed after / { print $3; found = 1 } END { exit !found }'
    done | sort -n | awk -v name="$1" '{ times[NR] = $1 } END {
        printf "Linux to its shell, %s, 2 processors: median %.2f s (%.2f to %.2f)\n", name, times[int((NR + 1) / 2)], times[1], times[NR] }'
}

measure x86 bzImage linux-x86 q35 \
    "s|/boot/vmlinuz|$guest/bzImage|; s|# initrd = .*|initrd = \"$guest/initrd.gz\"\\nloader = \"$project/inmates/build/linux-loader.bin\"|"
measure arm64 Image arm64/linux-arm64 qemu-arm64 \
    "s|/boot/Image|$guest/Image|; s|# initrd = .*|initrd = \"$guest/initrd-arm64.gz\"|"
