// SPDX-License-Identifier: Apache-2.0

extension ExampleMachine {
    static let arm64 = ExampleMachine(files: [
        .init(
            name: systemFile,
            text: """
                [system]
                architecture = "arm64"
                virtual-debug-console = true

                [hypervisor-memory]
                physical = 0x7fc00000
                size = "4 MiB"

                [platform]
                mmconfig-base = 0x08e00000
                virtual-pci = 1
                gic-version = 3
                gicd-base = 0x08000000
                gicr-base = 0x080a0000
                maintenance-interrupt = 25

                [[iommu]]
                type = "mmu-500"
                base = 0xfd800000
                size = "128 KiB"

                [root-cell]
                name = "board"
                cpus = "0-3"

                [[memory]]
                name = "RAM"
                physical = 0x40000000
                size = "1020 MiB"
                access = ["read", "write", "execute"]

                [[memory]]
                name = "devices"
                physical = 0x9000000
                size = "256 KiB"
                access = ["read", "write", "io"]

                [[interrupt-chip]]
                address = 0x8000000
                pin-base = 32
                pins = "32-159"

                """),
        .init(name: "rtems.toml", text: armCell("rtems", cpu: 3, ram: "0x70000000", uart: "0x9000000", pin: 33)),
        .init(name: "other.toml", text: armCell("other", cpu: 2, ram: "0x71000000", uart: "0x9010000", pin: 34)),
        .init(
            name: memoryFile,
            text: """
                09020000-09020fff : 9020000.serial
                40000000-6fffffff : System RAM
                70000000-7fffffff : reserved

                """),
        .init(name: portsFile, text: ""),
        .init(name: interruptsFile, text: " 41:       7  GICv3  35 Level  9020000.serial\n"),
        .init(name: onlineFile, text: "0-3"),
        .init(name: cpuInfoFile, text: "processor : 0\nFeatures : fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid\n"),
        .init(name: commandLineFile, text: "root=/dev/vda1 console=ttyAMA0\n"),
        .init(name: affinityFile, text: "0 0x0\n1 0x1\n2 0x2\n3 0x3\n"),
        .init(
            name: treeFile,
            text: """
                intc@8000000 arm,gic-v3 0x08000000 0x10000 0x080a0000 0x80000
                pl011@9000000 arm,pl011 0x09000000 0x1000
                pl011@9010000 arm,pl011 0x09010000 0x1000
                serial@9020000 arm,pl011 0x09020000 0x1000

                """),
    ])

    private static func armCell(_ name: String, cpu: Int, ram: String, uart: String, pin: Int) -> String {
        """
        [cell]
        name = "\(name)"
        architecture = "arm64"
        cpus = [\(cpu)]
        passive-comm-region = true
        stream-ids = [\(pin)]

        [[memory]]
        name = "ram"
        physical = \(ram)
        virtual = 0x0
        size = "16 MiB"
        access = ["read", "write", "execute", "loadable"]

        [[memory]]
        name = "UART"
        physical = \(uart)
        size = "4 KiB"
        access = ["read", "write", "io"]

        [[interrupt-chip]]
        address = 0x8000000
        pin-base = 32
        pins = [\(pin)]

        """
    }
}
