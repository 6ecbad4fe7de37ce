#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How fast a cell that executes starts and starts again, and what it costs while it waits.
#
#   cell-machine.sh      from the project's folder, after make test
set -euo pipefail

cd "$(dirname "$0")/../../.."
make --silent -C Sources/CellMonitor
CELL_MACHINE_BENCH=1 swift test --filter CellMachineTests.Bench 2>&1 | grep -E '^(spawn|restart|idle|doorbell)|✘'
