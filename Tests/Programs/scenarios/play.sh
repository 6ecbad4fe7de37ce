#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Plays the scenarios of this folder and says where the machine differs: status 1 if it does.
#
#   play.sh BINARIES simulator         in a simulated machine of its own, whose cells execute
#   play.sh BINARIES /dev/jailhouse    on this machine, as root; SYSTEM=file enables the hypervisor if it is not
#
# ARCHITECTURE=arm64: those of an Arm64 machine. FILES: which scenarios, all if it is not said.
set -euo pipefail

binaries=$(realpath "$1")
target=$2
cd "$(dirname "$0")/../../.."
options=()
system=configs/systems/q35.toml
if [[ ${ARCHITECTURE:-x86} == arm64 ]]; then
    options=(--definitions configs/cells/arm64)
    system=configs/systems/qemu-arm64.toml
fi
read -ra files <<<"${FILES:-$(echo Tests/Programs/scenarios/*.toml)}"
play=("$binaries/scenarios" --system "${SYSTEM:-$system}" "${options[@]}" "${files[@]}")

case $target in
/dev/jailhouse)
    [[ -c $target ]] || { echo "there is no $target: load the driver, jailhouse.ko" >&2 && exit 1; }
    exec "${play[@]}"
    ;;
simulator) ;;
*) echo "there are the targets simulator and /dev/jailhouse, not $target" >&2 && exit 1 ;;
esac

work=$(mktemp --directory --tmpdir jailhoused-scenarios.XXXXXX)
"$binaries/jailhouse-sim" serve --directory "$work/machine" --architecture "${ARCHITECTURE:-x86}" --cells execute \
    --timing none >"$work/log" 2>&1 &
machine=$!
trap 'kill "$machine" 2>/dev/null || true; wait "$machine" || true; rm -rf "$work"' EXIT
until grep --quiet '^ready' "$work/log"; do
    kill -0 "$machine" || { cat "$work/log" >&2 && exit 1; }
    sleep 0.02
done
"$binaries/jailhouse-sim" exec --directory "$work/machine" -- "${play[@]}"
