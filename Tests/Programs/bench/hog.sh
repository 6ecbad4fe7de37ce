#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How long a failed cell stands still while other programs want all of the processors: 99 of 100 times at most twice as
# long as when nothing else happens, if the supervision goes before them (LimitRTPRIO= of the unit). Here all of the
# simulated machine does, because its hypervisor would otherwise be what is late. As root.
#
#   hog.sh BINARIES [ROUNDS]
set -euo pipefail

chrt --fifo 10 true 2>/dev/null || { echo "hog.sh: left out: no real-time scheduling here" && exit 0; }
# shellcheck source=Tests/Integration/machine.sh
. "$(dirname "$0")/../../Integration/machine.sh"
binaries=$(realpath "$1")
rounds=${2:-200}
hogs=()
trap '((${#hogs[@]} == 0)) || kill "${hogs[@]}" 2>/dev/null || true' EXIT

# WORDS… that run restart.sh; prints the 99th percentile of the time until START
measure() {
    RESTART_LIMIT=inf "$@" "$(dirname "$0")/restart.sh" "$binaries" "$rounds" | sed -n 's/^  99 % *\([0-9.]*\) ms .*/\1/p'
}
ahead=(env JAILHOUSED_BENCH=1 chrt --fifo 10)

quiet=$(measure "${ahead[@]}")
for ((hog = 0; hog < 2 * $(nproc); hog++)); do
    while :; do :; done &
    hogs+=($!)
done
beside=$(measure "${ahead[@]}")
ordinary=$(measure env JAILHOUSED_BENCH=1)
awk -v quiet="$quiet" -v beside="$beside" -v ordinary="$ordinary" -v hogs="${#hogs[@]}" 'BEGIN {
    printf "99 of 100 failed cells get their START within %.1f ms, beside %d programs that want all processors %.1f ms " \
        "(%.1f times), without precedence %.1f ms\n", quiet, hogs, beside, beside / quiet, ordinary
    exit beside > 2 * quiet }'
