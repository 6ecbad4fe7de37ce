#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds a small Linux that can be a guest of Jailhouse, and an initial RAM file system with a shell, for a cell of the
# simulated machine or of a real one: of Debian's linux-source-6.1 and busybox-static. Takes minutes; what is there
# already is kept.
#
#   guest-kernel.sh DIRECTORY [x86|arm64]
#
# makes DIRECTORY/bzImage and initrd.gz, or Image and initrd-arm64.gz; JOBS says how many processes do it.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
mkdir -p "$1"
cd "$1"
source=/usr/src/linux-source-6.1.tar.xz
architecture=${2:-x86}
case $architecture in
x86) kernel=bzImage initrd=initrd.gz tree=linux-source-6.1 build=(make -s) ;;
arm64) kernel=Image initrd=initrd-arm64.gz tree=arm64/linux-source-6.1 build=(make -s ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-) ;;
*) echo "guest-kernel.sh: there is no architecture '$architecture', but x86 and arm64" >&2; exit 64 ;;
esac
options=("$here/guest-kernel.config" "$here/guest-kernel-$architecture.config")

is_older() {
    for file in "${@:2}"; do
        [ "$file" -nt "$1" ] && return
    done
    [ ! -e "$1" ]
}

if is_older $kernel "${options[@]}"; then
    mkdir -p "$(dirname "$tree")"
    [ -d "$tree" ] || tar -xf $source -C "$(dirname "$tree")"
    "${build[@]}" -C "$tree" tinyconfig
    (cd "$tree" && ARCH=$architecture scripts/kconfig/merge_config.sh -m .config "${options[@]}" >/dev/null)
    "${build[@]}" -C "$tree" olddefconfig
    # what depends on something that is missing is dropped without a word
    while read -r line; do
        grep -qxF "$line" "$tree/.config" || { echo "guest-kernel.config: $line is not possible" >&2; exit 1; }
    done < <(grep -hE '^(CONFIG_|# CONFIG_.* is not set$)' "${options[@]}")
    "${build[@]}" -C "$tree" -j "${JOBS:-$(nproc)}" $kernel
    cp "$tree/arch/$architecture/boot/$kernel" $kernel
fi

# Debian's package for another architecture, without having apt know that architecture
fetch_busybox() {
    mkdir -p apt/lists/partial apt/cache/archives/partial
    local apt=(apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::State::lists=$PWD/apt/lists"
        -o "Dir::Cache=$PWD/apt/cache" -o APT::Sandbox::User=root)
    "${apt[@]}" update >/dev/null
    "${apt[@]}" download busybox-static >/dev/null
    dpkg-deb --fsys-tarfile busybox-static_*_arm64.deb | tar -xO ./bin/busybox >busybox-arm64
    rm -r apt busybox-static_*_arm64.deb
}

if is_older $initrd "$here/guest-kernel.sh" "$here/guest/jailhouse-guest"; then
    busybox=/bin/busybox
    if [ "$architecture" = arm64 ]; then
        [ -s busybox-arm64 ] || fetch_busybox
        busybox=./busybox-arm64
    fi
    root=$(mktemp -d)
    trap 'rm -r "$root"' EXIT
    mkdir "$root"/{bin,dev,proc,sys,tmp}
    install -m 755 $busybox "$root/bin/busybox"
    cp "$here/guest/jailhouse-guest" "$root/bin"
    for name in sh mount cat echo ls ps dmesg poweroff halt reboot setsid cttyhack sleep uname devmem grep; do
        ln -s busybox "$root/bin/$name"
    done
    cat > "$root/init" <<'INIT'
#!/bin/sh
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
echo "guest: $(uname -r), $(cat /sys/devices/system/cpu/online) online"
if grep -q 'jailhouse[.]guest=' /proc/cmdline; then JAILHOUSE_GUEST_AT_ONCE=1 jailhouse-guest & fi
exec setsid cttyhack sh
INIT
    chmod 755 "$root/init"
    (cd "$root" && find . | cpio --quiet -o -H newc | gzip -9) > $initrd
fi
ls -l $kernel $initrd
