#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A real systemd over an overlay of this machine's root, with the project installed in it and a simulated machine
# as a unit below the daemon's. The machine itself stays as it is: everything is written to a tmpfs, and all mounts
# are in a mount namespace that ends with this process.
#
#   container.sh DIRECTORY BINARIES [PACKAGES]
#
# With PACKAGES, a directory, nothing of the project is installed: its Debian packages are in /root/packages.
# JAILHOUSED_CONTAINER_ROOT is a tar file of another root than this machine's; it gets the Swift runtime of BINARIES.
# JAILHOUSED_CONTAINER_NAME names the machine; JAILHOUSED_CONTAINER_FILES is a directory of files that it gets;
# JAILHOUSED_CONTAINER_BRIDGE is a bridge that its interface host0 is connected to, otherwise it shares the network.
# DIRECTORY is empty; its file `console` gets what systemd says. Prints `ready PID` when systemd is up: commands run
# in it by `nsenter --all --target PID`. Ends when standard input does, so that it does not outlive its test.
set -euo pipefail

if [[ ${JAILHOUSED_CONTAINER_NAMESPACE:-} != 1 ]]; then
    exec env JAILHOUSED_CONTAINER_NAMESPACE=1 unshare --mount --propagation private -- "$0" "$@"
fi

directory=$(realpath "$1")
binaries=$(realpath "$2")
packages=${3:+$(realpath "$3")}
source=$(realpath "$(dirname "$0")/../..")
root=$directory/root

mkdir "$directory/write" "$root"
mount -t tmpfs -o mode=0755 tmpfs "$directory/write"
mkdir "$directory/write/upper" "$directory/write/work"
if [[ -n ${JAILHOUSED_CONTAINER_ROOT:-} ]]; then
    mount --bind "$directory/write/upper" "$root"
    tar --extract --file="$JAILHOUSED_CONTAINER_ROOT" --directory="$root" --numeric-owner
    # where a debug build looks for it
    find "$binaries" -maxdepth 1 -name 'jailhouse*' -type f -executable -exec ldd {} + |
        sed -n 's|.* => \(/[^ ]*/swift/[^ ]*\) .*|\1|p' | sort --unique |
        xargs --no-run-if-empty cp --dereference --parents --target-directory="$root"
else
    mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/write/upper,workdir=$directory/write/work" "$root"
fi

# what belongs to this machine and not to a fresh one
rm -f "$root/etc/machine-id" "$root"/etc/systemd/system/*.wants/*
rm -rf "$root/etc/jailhoused" "$root/var/log/journal"
ln -s /dev/null "$root/etc/systemd/system/systemd-firstboot.service"

if [[ -n $packages ]]; then
    # images of Debian for containers leave manuals out and start no services
    rm -f "$root"/etc/dpkg/dpkg.cfg.d/* "$root/usr/sbin/policy-rc.d"
    mkdir -p "$root/root/packages"
    cp "$packages"/*.deb "$root/root/packages/"
    cp -r "$source"/Tests/Integration/container/etc/systemd/. "$root/etc/systemd/"
else
    make --silent -C "$source" install DESTDIR="$root" PREFIX=/usr BINARIES="$binaries" >&2
    cp -r "$source"/Tests/Integration/container/etc/. "$root/etc/"
    cp "$source"/configs/cells/rtems.toml "$root/etc/jailhoused/cells/"
    systemctl --quiet --root="$root" enable jailhoused.socket jailhoused-status.socket
    # the first boot enables every unit, and all containers have one network: the port is for the test of the packages
    mkdir "$root/etc/systemd/system/jailhouse-exporter.socket.d"
    printf '[Socket]\nListenStream=\nListenStream=/run/jailhouse-exporter\n' \
        >"$root/etc/systemd/system/jailhouse-exporter.socket.d/simulated.conf"
fi

if [[ -n ${JAILHOUSED_CONTAINER_FILES:-} ]]; then
    cp -r "$JAILHOUSED_CONTAINER_FILES/." "$root/"
fi

# several may be up at once: each has control groups of its own, or one systemd removes those of another. Where there are
# two hierarchies, it follows its processes by the newer one, and has groups in both.
groups=()
outers=()
join() {
    local outer=$1${2%/} group
    group=$(mktemp --directory "$outer/jailhoused-test-XXXXXX") || return 1
    groups+=("$group")
    outers+=("$outer")
    echo $$ >"$group/cgroup.procs"
}
legacy=$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup)
unified=$(sed -n 's/^0:://p' /proc/self/cgroup)
isAlone=1
if [[ -n $legacy ]]; then
    join /sys/fs/cgroup/systemd "$legacy" || isAlone=
    [[ ! -e /sys/fs/cgroup/unified/cgroup.procs ]] || join /sys/fs/cgroup/unified "$unified" || isAlone=
else
    join /sys/fs/cgroup "$unified" || isAlone=
fi
if [[ -z $isAlone ]]; then
    # then one at a time
    exec {turn}>/tmp/jailhoused-test.lock
    flock "$turn"
fi

systemd-nspawn --quiet --register=no --keep-unit --directory="$root" \
    --machine="${JAILHOUSED_CONTAINER_NAME:-jailhoused-test}" \
    ${JAILHOUSED_CONTAINER_BRIDGE:+--network-bridge="$JAILHOUSED_CONTAINER_BRIDGE"} \
    --boot --console=read-only systemd.unit=basic.target </dev/null >"$directory/console" 2>&1 &
nspawn=$!
end() {
    kill "$nspawn" || true
    wait "$nspawn" || true
    for index in "${!groups[@]}"; do
        echo $$ >"${outers[index]}/cgroup.procs"
        find "${groups[index]}" -depth -type d -exec rmdir {} + || true
    done
}
trap end EXIT

until init=$(pgrep --parent "$nspawn" --exact systemd); do
    kill -0 "$nspawn"
    sleep 0.02
done
# there is nobody to ask at first; "degraded" is up, too
until nsenter --all --target "$init" systemctl is-system-running --quiet --wait 2>/dev/null ||
    [[ $(nsenter --all --target "$init" systemctl is-system-running 2>/dev/null) == degraded ]]; do
    kill -0 "$nspawn"
    sleep 0.02
done
echo "ready $init"
cat >/dev/null
