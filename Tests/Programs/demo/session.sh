#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the demos share; to be sourced.

# For all that a demo writes.
work=$(mktemp --directory --tmpdir jailhoused-demo.XXXXXX)

# Tells what comes next.
say() { printf '\n# %s\n' "$*"; }

# Runs a command, shown as it is typed, and keeps its output for `expect`.
run() {
    echo "\$ $*"
    local status=0
    output=$("$@" 2>&1) || status=$?
    [[ -z $output ]] || echo "$output"
    return "$status"
}

# This must be in the last output.
expect() {
    [[ $output =~ $1 ]] || { echo "expected to see: $1" >&2 && exit 1; }
}

# Ends the machine; tells what the daemon said if the demo has failed.
finish() {
    local status=$?
    trap - EXIT
    if ((status != 0)); then
        echo "the demo failed; what the daemon said:" >&2
        cat "$work/daemon.log" >&2 || true
    fi
    if [[ -n ${watch:-} ]]; then kill "$watch" 2>/dev/null || true; fi
    stop_machine
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM
