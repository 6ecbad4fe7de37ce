#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command beside a simulated machine with the daemon in it: $JAILHOUSED_SOCKET is the daemon's,
# $JAILHOUSE_SIM_DIRECTORY the machine's. Ends with the command's status; the daemon's log goes to standard error
# when that is not 0.
#
#   with-machine.sh BINARIES COMMAND…
set -euo pipefail

# shellcheck source=Tests/Integration/machine.sh
. "$(dirname "$0")/machine.sh"
binaries=$(realpath "$1")
shift
work=$(mktemp --directory --tmpdir jailhoused-machine.XXXXXX)

finish() {
    local status=$?
    trap - EXIT
    if ((status != 0)); then cat "$work"/*.log >&2 || true; fi
    stop_machine
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

copy_definitions "$work"
start_machine "$work" "$binaries" --cells script
"$@"
