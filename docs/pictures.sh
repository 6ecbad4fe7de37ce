#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Draws the pictures of a copy of the guide, where its pages have <!-- picture: NAME -->: the program's own maps, and what
# its commands show on a terminal, of a simulated machine: pictures.sh PROGRAMS GUIDE
set -euo pipefail
programs=$(realpath "$1") guide=$(realpath "$2") project=$(realpath "$(dirname "$0")/..")
work=$(mktemp --directory)
# shellcheck disable=SC2046 # none, or several
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -r "$work"' EXIT
mkdir -p "$guide/pictures" "$work/cells"
export PATH=$programs:$PATH JAILHOUSE_SIM_DIRECTORY=$work/machine JAILHOUSED_SOCKET=$work/run/control

declare -A words=(
    [rtems]="Who has which memory of the machine, and the cell as it sees memory itself"
    [wrong]="The same with a mistake: the cell's RAM lies over the hypervisor"
    [status]="A cell that runs: its definition, condition, state, CPUs, image, restarts and VM exits"
    [top]="All cells with their VM exits, restarts and ages, and below them the last failure of the selected one"
    [failure]="The failure: what the program did, what it means, what to do, and the hypervisor's own words"
)

# paths are in the pictures
cd "$work"
cp "$project/configs/systems/q35.toml" system.toml
cp "$project"/inmates/build/{rtems,misbehave}.exe .
jailhouse-ctl new-cell system.toml --image rtems.exe -o cells/rtems.toml 2>findings
# what the page about cells does on purpose
sed 's|^physical = .*|physical = 0x3e800000|' cells/rtems.toml >wrong.toml
jailhouse-ctl map system.toml cells/rtems.toml --format svg -o "$guide/pictures/rtems.svg"
jailhouse-ctl map system.toml wrong.toml --format svg -o "$guide/pictures/wrong.svg"

# until a command succeeds, for 30 s at most
await() {
    local deadline=$((SECONDS + 30))
    until "$@"; do
        ((SECONDS < deadline)) || { echo "pictures.sh: waited in vain: $*" >&2 && exit 1; }
        sleep 0.05
    done
}
draw() {
    local name=$1 until=$2
    shift 2
    "$project/docs/terminal.py" ${until:+--until "$until"} --name "$work=/home/you/first" "$guide/pictures/$name.svg" "$@"
}
# as the pages have it
echo 'system = "system.toml"' >jailhoused.toml
jailhouse-sim serve --cells execute >machine.log 2>&1 &
await grep --quiet --no-messages ready: machine.log
jailhouse-sim exec -- jailhoused --configuration "$work" --runtime "$work/run" >daemon.log 2>&1 &
enabled() { jailhouse-ctl status 2>/dev/null | grep --quiet 'Hypervisor: enabled'; }
await enabled
jailhouse-ctl start rtems >/dev/null
draw status "" jailhouse-ctl status rtems
jailhouse-ctl destroy rtems >/dev/null
sed 's|^path = .*misbehave.exe"|path = "../misbehave.exe"|' "$project/configs/cells/misbehave.toml" >cells/misbehave.toml
jailhouse-ctl reload >/dev/null
jailhouse-ctl start misbehave >/dev/null 2>&1 || true
jailhouse-ctl wait misbehave --for failed --timeout 30 >/dev/null
draw top exits/s jailhouse-ctl top
draw failure "" jailhouse-ctl failures misbehave 1

for name in "${!words[@]}"; do
    grep -q "<!-- picture: $name -->" "$guide"/*.md
    # a click shows it in its own size
    sed -i "s|<!-- picture: $name -->|[![${words[$name]}](pictures/$name.svg)](pictures/$name.svg)|" "$guide"/*.md
done
if grep -n '<!-- picture:' "$guide"/*.md; then
    echo "pictures.sh: there is no such picture" >&2
    exit 1
fi
