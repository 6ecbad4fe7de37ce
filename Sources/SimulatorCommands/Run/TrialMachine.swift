// SPDX-License-Identifier: Apache-2.0

import InmateImage

/// The machines of programs that are run without a definition, as system configurations: four CPUs and 1 GiB.
enum TrialMachine {
    /// That of the program's processor: a flat image's is not known, and taken for x86.
    static func system(for image: [UInt8]) -> String {
        ELFFile.isELF(image) && (try? ELFFile(image))?.machine == .aarch64 ? arm64 : x86
    }

    /// Its top quarter is for cells.
    private static let x86 = """
        [system]
        architecture = "x86"
        virtual-debug-console = true

        [hypervisor-memory]
        physical = 0x3e800000
        size = "8 MiB"

        [debug-console]
        type = "8250"
        address = 0x3f8

        [platform]
        mmconfig-base = 0xb0000000
        mmconfig-end-bus = 0xff
        pm-timer-port = 0x608

        [root-cell]
        name = "machine"
        cpus = "0-3"

        [[memory]]
        name = "Linux"
        physical = 0x0
        size = "768 MiB"
        access = ["read", "write", "execute", "dma"]

        [[memory]]
        name = "memory for cells"
        physical = 0x30000000
        size = "224 MiB"
        access = ["read", "write", "execute", "dma"]

        [[ports]]
        name = "all"
        base = 0x0
        count = 0xffff
        """

    /// As configs/systems/qemu-arm64.toml.
    private static let arm64 = """
        [system]
        architecture = "arm64"
        virtual-debug-console = true

        [hypervisor-memory]
        physical = 0x7fc00000
        size = "4 MiB"

        [debug-console]
        type = "PL011"
        access = "mmio"
        address = 0x09000000
        size = "4 KiB"
        interrupt = 33

        [platform]
        mmconfig-base = 0x08e00000
        mmconfig-end-bus = 0
        virtual-pci = 1
        gic-version = 3
        maintenance-interrupt = 25
        gicd-base = 0x08000000
        gicr-base = 0x080a0000

        [root-cell]
        name = "machine"
        cpus = "0-3"
        vpci-interrupt-base = 96

        [[memory]]
        name = "devices"
        physical = 0x09000000
        size = 0x37000000
        access = ["read", "write", "io"]

        [[memory]]
        name = "Linux"
        physical = 0x40000000
        size = "768 MiB"
        access = ["read", "write", "execute", "dma"]

        [[memory]]
        name = "memory for cells"
        physical = 0x70000000
        size = "252 MiB"
        access = ["read", "write", "execute", "dma"]

        [[interrupt-chip]]
        address = 0x08000000
        pin-base = 32
        pins = "32-159"
        """
}
