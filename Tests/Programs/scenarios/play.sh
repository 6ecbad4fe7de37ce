#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Plays the scenarios of this folder and says where the machine differs: status 1 if it does.
#
#   play.sh BINARIES simulator         in a simulated machine of its own, whose cells execute
#   play.sh BINARIES /dev/jailhouse    on this machine, as root; SYSTEM=file enables the hypervisor if it is not
set -euo pipefail

binaries=$(realpath "$1")
target=$2
cd "$(dirname "$0")/../../.."
play=("$binaries/scenarios" --system "${SYSTEM:-configs/systems/q35.toml}" Tests/Programs/scenarios/*.toml)

case $target in
/dev/jailhouse)
    [[ -c $target ]] || { echo "there is no $target: load the driver, jailhouse.ko" >&2 && exit 1; }
    exec "${play[@]}"
    ;;
simulator) ;;
*) echo "there are the targets simulator and /dev/jailhouse, not $target" >&2 && exit 1 ;;
esac

work=$(mktemp --directory --tmpdir jailhoused-scenarios.XXXXXX)
"$binaries/jailhouse-sim" serve --directory "$work/machine" --cells execute --timing none >"$work/log" 2>&1 &
machine=$!
trap 'kill "$machine" 2>/dev/null || true; wait "$machine" || true; rm -rf "$work"' EXIT
until grep --quiet '^ready' "$work/log"; do
    kill -0 "$machine" || { cat "$work/log" >&2 && exit 1; }
    sleep 0.02
done
"$binaries/jailhouse-sim" exec --directory "$work/machine" -- "${play[@]}"
