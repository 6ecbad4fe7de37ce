#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How long a thousand cells are checked against one system, and with each other.
#
#   check.sh BINARIES [CELLS]
set -euo pipefail

binaries=$(realpath "$1")
cells=${2:-1000}
work=$(mktemp --directory --tmpdir jailhoused-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT

cat > "$work/system.toml" <<EOF
[system]
architecture = "x86"
virtual-debug-console = true

[hypervisor-memory]
physical = 0x80000000
size = "1 GiB"

[root-cell]
name = "big"
cpus = "0-$cells"

[[memory]]
name = "memory for cells"
physical = 0x100000000
size = "$((cells * 16)) MiB"
access = ["read", "write", "execute", "dma"]
EOF

for ((cell = 1; cell <= cells; cell++)); do
    base=$((0x100000000 + (cell - 1) * 0x1000000))
    printf '[cell]\nname = "cell-%d"\narchitecture = "x86"\ncpus = [%d]\nmessage-timeout = 1000000\n' "$cell" "$cell"
    printf '\n[[memory]]\nname = "ram"\nphysical = 0x%x\nvirtual = 0x0\nsize = "8 MiB"\n' "$base"
    printf 'access = ["read", "write", "execute", "loadable"]\n'
    printf '\n[[memory]]\nvirtual = 0x900000\nsize = "4 KiB"\naccess = ["read", "write", "communication-region"]\n'
    printf '\n[[memory]]\nname = "data"\nphysical = 0x%x\nsize = "1 MiB"\naccess = ["read", "write"]\n' \
        $((base + 0x800000))
    printf '\n[[ports]]\nbase = 0x%x\ncount = 8\n' $((0x4000 + cell * 8))
done | awk -v work="$work" '/^\[cell\]/ { close(file); file = sprintf("%s/cell-%04d.toml", work, ++count) } { print > file }'

time=$(date +%s%N)
"$binaries/jailhouse-ctl" check "$work"/*.toml > "$work/findings"
time=$((($(date +%s%N) - time) / 1000000))
if grep -v ': ok, ' "$work/findings"; then
    echo "the cells are meant to be sound" >&2
    exit 1
fi
echo "$cells cells are read and checked against one system and with each other in $time ms"
