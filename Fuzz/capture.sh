#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The files of a captured machine as inputs of the fuzzer "probe", each alone and all in one: capture.sh MACHINE SEEDS
set -euo pipefail
machine=$1 seeds=$2
name=$(basename "$machine")
mkdir -p "$seeds"

# file LETTER PATH…: in the form that Probe.swift takes apart
file() {
    local letter=$1 path
    shift
    for path in "$@"; do
        [[ -e $path ]] || continue
        { printf '%s' "$letter" && cat "$path" && printf '\367'; } >"$seeds/$name-$letter-$(basename "$(dirname "$path")")"
    done
}

rm -f "$seeds/$name"-*
file m "$machine/proc/iomem"
file o "$machine/proc/ioports"
file c "$machine/proc/cmdline"
file u "$machine/sys/devices/system/cpu/present"
file n "$machine/sys/class/dmi/id/product_name"
file A "$machine/sys/firmware/acpi/tables/APIC"
file M "$machine/sys/firmware/acpi/tables/MCFG"
file F "$machine/sys/firmware/acpi/tables/FACP"
file D "$machine/sys/firmware/acpi/tables/DMAR"
file I "$machine/sys/firmware/acpi/tables/IVRS"
file i "$machine/proc/cpuinfo"
file t "$machine/sys/firmware/fdt"
file p "$machine"/sys/bus/pci/devices/*/config
cat "$seeds/$name"-[moAMFDIit]-* >"$seeds/$name-all"
