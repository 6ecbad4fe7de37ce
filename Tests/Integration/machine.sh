# SPDX-License-Identifier: Apache-2.0
#
# shellcheck shell=bash
# For scripts that need a simulated machine with the daemon in it. `start_machine DIRECTORY BINARIES OPTION…` starts
# both in the background, the machine with these options, with the definitions in DIRECTORY/etc; `stop_machine` ends
# them.

project=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

# Runs the calling script again before everything else on this machine, where that is allowed; for measurements.
take_precedence() {
    if [[ -z ${JAILHOUSED_BENCH:-} ]] && chrt --fifo 10 true 2>/dev/null; then
        exec env JAILHOUSED_BENCH=1 chrt --fifo 10 "$0" "$@"
    fi
}

# The definitions as shipped, with the image where it was built.
copy_definitions() {
    local directory=$1
    mkdir -p "$directory/etc/cells"
    echo "system = \"$project/configs/systems/q35.toml\"" >"$directory/etc/jailhoused.toml"
    sed "s|/usr/lib/jailhoused/inmates|$project/inmates/build|" "$project/configs/cells/rtems.toml" \
        >"$directory/etc/cells/rtems.toml"
}

# Waits until a command succeeds; fails after 20 seconds, or when process $1 ends.
await() {
    local process=$1 deadline=$((SECONDS + 20))
    shift
    until "$@"; do
        if ((SECONDS > deadline)) || ! kill -0 "$process" 2>/dev/null; then
            echo "waited in vain for: $*" >&2
            return 1
        fi
        sleep 0.02
    done
}

enabled() { jailhouse-ctl status 2>&1 | grep --quiet 'Hypervisor: enabled'; }

start_machine() {
    local directory=$1 binaries=$2
    shift 2
    export PATH=$binaries:$PATH JAILHOUSE_SIM_DIRECTORY=$directory/machine
    export JAILHOUSED_SOCKET=$directory/run/control
    mkdir -p "$directory/run"

    jailhouse-sim serve "$@" >"$directory/machine.log" 2>&1 &
    machine=$!
    await $machine grep --quiet '^ready' "$directory/machine.log" || { cat "$directory/machine.log" >&2 && return 1; }

    jailhouse-sim exec -- jailhoused --configuration "$directory/etc" --runtime "$directory/run" \
        >"$directory/daemon.log" 2>&1 &
    daemon=$!
    await $daemon enabled || { cat "$directory/daemon.log" >&2 && return 1; }
}

stop_machine() {
    local process
    for process in ${daemon:-} ${machine:-}; do
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
}
