#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Draws the pictures of a copy of the guide, where its pages have <!-- picture: NAME -->, by the program's own maps:
# pictures.sh PROGRAMS GUIDE
set -euo pipefail
control=$(realpath "$1/jailhouse-ctl") guide=$(realpath "$2")
work=$(mktemp --directory)
trap 'rm -r "$work"' EXIT
mkdir -p "$guide/pictures"

cp configs/systems/q35.toml inmates/build/rtems.exe "$work"
cd "$work" # paths are in the pictures
"$control" new-cell q35.toml --image rtems.exe -o rtems.toml 2>findings
# what the page about cells does on purpose
sed 's|^physical = .*|physical = 0x3e800000|' rtems.toml >wrong.toml

declare -A words=(
    [rtems]="Who has which memory of the machine, and the cell as it sees memory itself"
    [wrong]="The same with a mistake: the cell's RAM lies over the hypervisor"
)
for name in "${!words[@]}"; do
    "$control" map q35.toml "$name.toml" --format svg -o "$guide/pictures/$name.svg"
    grep -q "<!-- picture: $name -->" "$guide"/*.md
    sed -i "s|<!-- picture: $name -->|![${words[$name]}](pictures/$name.svg)|" "$guide"/*.md
done
if grep -n '<!-- picture:' "$guide"/*.md; then
    echo "pictures.sh: there is no such picture" >&2
    exit 1
fi
