#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A fleet: machines as booted containers with a simulated hypervisor each, in a network of their own, reached through
# sshd by Ansible, which installs the Debian packages, and by one Prometheus. A good image goes to all of them. A bad
# one goes back where it does not run, and no further.
# Shows each command as it is typed, with what it prints; status 0 only if everything that should be seen was, and
# nothing is left of it.
#
#   fleet.sh MACHINES PACKAGES        as root; MACHINES is 2 to 9, PACKAGES is a directory
set -euo pipefail
here=$(realpath "$(dirname "$0")")

# Everything that has this run's mark, or is in one of its networks.
leftovers() {
    find /sys/fs/cgroup -type d -path "*$mark*" 2>/dev/null || true
    grep -F "$mark" /proc/self/mountinfo || true
    grep -lzsFx "JAILHOUSED_FLEET=$mark" /proc/[0-9]*/environ || true
    find /tmp -maxdepth 1 -name "$mark*" || true
    local process
    for process in /proc/[0-9]*; do
        [[ -z $networks || $networks != *$(readlink "$process/ns/net" || echo none)* ]] || echo "$process"
    done 2>/dev/null
}

[[ $# -eq 2 && $1 =~ ^[2-9]$ && -d $2 ]] || { echo "usage: fleet.sh MACHINES PACKAGES" >&2; exit 64; }
[[ $EUID -eq 0 ]] || { echo "fleet.sh: containers need root" >&2; exit 77; }
work=$(mktemp --directory --tmpdir=/tmp jailhoused-fleet-XXXXXX)
mark=${work##*/}
# the group of all that runs here, with those of the machines in it
hierarchy=/sys/fs/cgroup/systemd
[[ -d $hierarchy ]] || hierarchy=/sys/fs/cgroup
group=$hierarchy$(sed -n -e 's/^[0-9]*:name=systemd://p' -e 's/^0:://p' /proc/self/cgroup | head -1)/$mark
inside=''
finish() {
    local status=$?
    trap - EXIT INT TERM
    if [[ -n $inside ]]; then
        kill -KILL "$inside" 2>/dev/null || true
        wait "$inside" 2>/dev/null || true
    fi
    # what was killed in them takes a moment
    local tries=0
    until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || ((++tries == 100)); do sleep 0.1; done
    networks=$(cat "$work/networks" 2>/dev/null || true)
    rm -rf "$work"
    if [[ -n $(leftovers) ]]; then
        echo "fleet.sh: this is left:" >&2
        leftovers >&2
        status=1
    elif ((status == 0)); then
        printf '\n# Nothing is left: no process, network, mount, control group or file. It took %s s.\n' "$SECONDS"
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM
mkdir "$group"

# What the machines need and this one need not have. It is not installed here: nobody has asked for sshd.
missing=()
[[ -x /usr/sbin/sshd ]] || missing+=(openssh-server libwrap0)
/usr/bin/python3 -c 'import apt' 2>/dev/null || missing+=(python3-apt)
if ((${#missing[@]} > 0)); then
    mkdir -p "$work/packages" "$work/extra"
    (cd "$work/packages" && { apt-get download "${missing[@]}" || { apt-get update && apt-get download "${missing[@]}"; }; }) \
        >"$work/packages.log" 2>&1 || { cat "$work/packages.log" >&2 && exit 1; }
    for package in "$work"/packages/*.deb; do dpkg-deb --extract "$package" "$work/extra"; done
    # /lib is a link
    if [[ -d $work/extra/lib ]]; then cp -r "$work/extra/lib" "$work/extra/usr/" && rm -r "$work/extra/lib"; fi
fi

JAILHOUSED_FLEET=$mark unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private -- \
    "$here/control.sh" "$1" "$(realpath "$2")" "$work" "$group" &
inside=$!
wait "$inside"
inside=''
