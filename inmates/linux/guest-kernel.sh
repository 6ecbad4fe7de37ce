#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds a small Linux that can be a guest of Jailhouse, and an initial RAM file system with a shell, for a cell of the
# simulated machine or of a real one: of Debian's linux-source-6.1 and busybox-static. Takes minutes; what is there
# already is kept.
#
#   guest-kernel.sh DIRECTORY     makes DIRECTORY/bzImage and DIRECTORY/initrd.gz; JOBS says how many processes do it
set -euo pipefail

here=$(dirname "$(realpath "$0")")
mkdir -p "$1"
cd "$1"
source=/usr/src/linux-source-6.1.tar.xz
tree=linux-source-6.1

if [ ! -e bzImage ] || [ "$here/guest-kernel.config" -nt bzImage ]; then
    [ -d $tree ] || tar -xf $source
    make -s -C $tree tinyconfig
    (cd $tree && scripts/kconfig/merge_config.sh -m .config "$here/guest-kernel.config" >/dev/null)
    make -s -C $tree olddefconfig
    # what depends on something that is missing is dropped without a word
    while read -r line; do
        grep -qxF "$line" $tree/.config || { echo "guest-kernel.config: $line is not possible" >&2; exit 1; }
    done < <(grep -E '^(CONFIG_|# CONFIG_.* is not set$)' "$here/guest-kernel.config")
    make -s -C $tree -j "${JOBS:-$(nproc)}" bzImage
    cp $tree/arch/x86/boot/bzImage bzImage
fi

if [ ! -e initrd.gz ] || [ "$here/guest-kernel.sh" -nt initrd.gz ] || [ "$here/guest/jailhouse-guest" -nt initrd.gz ]; then
    root=$(mktemp -d)
    trap 'rm -r "$root"' EXIT
    mkdir "$root"/{bin,dev,proc,sys,tmp}
    cp /bin/busybox "$root/bin"
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
    (cd "$root" && find . | cpio --quiet -o -H newc | gzip -9) > initrd.gz
fi
ls -l bzImage initrd.gz
