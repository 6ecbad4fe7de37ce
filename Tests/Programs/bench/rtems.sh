#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How soon RTEMS programs of yours, linked with the layer of inmates/rtems, answer a shutdown request, and whether each of
# their starts comes up. They must print something, and must not end by themselves within 150 ms of it.
#
#   rtems.sh IMAGE…      from the project's folder, after make test; ROUNDS=100
set -euo pipefail

[ $# -gt 0 ] || { echo "rtems.sh IMAGE…" >&2; exit 1; }
images=$(realpath -- "$@" | paste -sd :)
cd "$(dirname "$0")/../../.."
make --silent -C Sources/CellMonitor
RTEMS_BENCH_IMAGES=$images RTEMS_BENCH_ROUNDS=${ROUNDS:-100} swift test --skip-build --filter CellMachineTests.RTEMSBench 2>&1 |
    grep -E '^[^ ]+: |✘'
