// SPDX-License-Identifier: Apache-2.0

extension ExampleMachine {
    static let x86 = ExampleMachine(files: [
        .init(
            name: systemFile,
            text: """
                [system]
                architecture = "x86"
                virtual-debug-console = true

                [hypervisor-memory]
                physical = 0x3e800000
                size = "8 MiB"

                [platform]
                mmconfig-base = 0xb0000000
                mmconfig-end-bus = 0xff
                pm-timer-port = 0x608
                vtd-interrupt-limit = 256

                [[iommu]]
                type = "intel"
                base = 0xfed90000
                size = "4 KiB"

                [root-cell]
                name = "q35"
                cpus = "0-3"

                [[memory]]
                name = "low memory"
                physical = 0x0
                size = "928 MiB"
                access = ["read", "write", "execute", "dma"]

                [[memory]]
                name = "memory for cells"
                physical = 0x3a000000
                size = "72 MiB"
                access = ["read", "write", "execute", "dma"]

                [[memory]]
                name = "state of the link"
                physical = 0x3f000000
                size = "4 KiB"
                access = ["read"]

                [[memory]]
                name = "common to the link"
                physical = 0x3f001000
                size = "4 KiB"
                access = ["read", "write"]

                [[memory]]
                name = "from q35"
                physical = 0x3f002000
                size = "8 KiB"
                access = ["read", "write"]

                [[memory]]
                name = "to q35"
                physical = 0x3f004000
                size = "8 KiB"
                access = ["read"]

                [[memory]]
                name = "PCI devices"
                physical = 0xfeb00000
                size = "820 KiB"
                access = ["read", "write"]

                [[memory]]
                name = "high memory"
                physical = 0x3f006000
                size = 0xffa000
                access = ["read", "write", "execute", "dma"]

                [[ports]]
                name = "interrupts, timer, keyboard"
                base = 0x20
                count = 0x90

                [[interrupt-chip]]
                address = 0xfec00000
                id = 0xff00
                pins = "0-23"

                [[pci-device]]
                bdf = "00:02.0"

                [[pci-device]]
                bdf = "00:03.0"

                [[pci-device]]
                type = "ivshmem"
                bdf = "00:0e.0"
                bar-masks = [0xfffff000, 0x0, 0x0, 0x0, 0x0, 0x0]
                first-memory-region = 2
                peers = 2
                protocol = 0x1

                """),
        .init(
            name: "rtems.toml",
            text: """
                [cell]
                name = "rtems"
                architecture = "x86"
                cpus = [3]
                message-timeout = 1000000
                reset-address = 0xf0000
                virtual-console = "permitted"
                console = { type = "8250", access = "pio", address = 0x3f8 }

                [[memory]]
                name = "ram"
                physical = 0x3a000000
                virtual = 0x0
                size = "8 MiB"
                access = ["read", "write", "execute", "loadable"]

                [[memory]]
                name = "communication region"
                virtual = 0x900000
                size = "4 KiB"
                access = ["read", "write", "communication-region"]

                [[memory]]
                name = "network card"
                physical = 0xfeb00000
                size = "64 KiB"
                access = ["read", "write", "io"]

                [[memory]]
                name = "state of the link"
                physical = 0x3f000000
                size = "4 KiB"
                access = ["read", "root-shared"]

                [[memory]]
                name = "common to the link"
                physical = 0x3f001000
                size = "4 KiB"
                access = ["read", "write", "root-shared"]

                [[memory]]
                name = "to rtems"
                physical = 0x3f002000
                size = "8 KiB"
                access = ["read", "root-shared"]

                [[memory]]
                name = "from rtems"
                physical = 0x3f004000
                size = "8 KiB"
                access = ["read", "write", "root-shared"]

                [[ports]]
                name = "COM1"
                base = 0x3f8
                count = 8

                [[interrupt-chip]]
                address = 0xfec00000
                id = 0xff00
                pins = [4]

                [[pci-device]]
                bdf = "00:02.0"
                first-capability = 0
                capabilities = 1
                msix-vectors = 4
                msix-region-size = "4 KiB"
                msix-address = 0xfeb10000

                [[pci-device]]
                type = "ivshmem"
                bdf = "00:0e.0"
                bar-masks = [0xfffff000, 0x0, 0x0, 0x0, 0x0, 0x0]
                first-memory-region = 3
                peer-id = 1
                peers = 2
                protocol = 0x1

                [[pci-capability]]
                id = 0x11
                start = 0xa0
                length = 12
                writable = true

                """),
        .init(
            name: "other.toml",
            text: """
                [cell]
                name = "other"
                architecture = "x86"
                cpus = [2]
                passive-comm-region = true
                console = { type = "8250", address = 0x2f8 }

                [[memory]]
                name = "ram"
                physical = 0x3a800000
                virtual = 0x0
                size = "1 MiB"
                access = ["read", "write", "execute", "loadable"]

                [[memory]]
                name = "timer card"
                physical = 0xfeb20000
                size = "4 KiB"
                access = ["read", "write", "io"]

                [[ports]]
                name = "COM2"
                base = 0x2f8
                count = 8

                [[interrupt-chip]]
                address = 0xfec00000
                id = 0xff00
                pins = [3]

                [[pci-device]]
                bdf = "00:03.0"

                """),
        .init(
            name: portsFile,
            text: """
                0000-0cf7 : PCI Bus 0000:00
                  0020-0021 : pic1
                  0060-0060 : keyboard
                  00a0-00a1 : pic2
                  0cf8-0cff : PCI conf1

                """),
        .init(name: memoryFile, text: iomem),
        .init(name: interruptsFile, text: "  8:       1  IO-APIC  8-edge  rtc0\n"),
        .init(name: onlineFile, text: "0-3"),
        .init(name: pciFile, text: "0000:00:02.0\n0000:00:03.0\n0000:00:19.0\n"),
        .init(name: cpuInfoFile, text: "vendor_id : GenuineIntel\nflags : fpu vmx\n"),
        .init(name: commandLineFile, text: "root=/dev/sda1 intel_iommu=off\n"),
    ])

    static let iomem = """
        00001000-0009fbff : System RAM
        00100000-39ffffff : System RAM
          01000000-01e025d0 : Kernel code
        3a000000-3f005fff : Reserved
        3f006000-3fffffff : System RAM
        c0000000-febfffff : PCI Bus 0000:00
          feb00000-feb1ffff : 0000:00:02.0
            feb00000-feb1ffff : e1000e
          feb20000-feb20fff : 0000:00:03.0
          feb30000-feb30fff : 0000:00:04.0
            feb30000-feb30fff : ahci
        fec00000-fec003ff : IOAPIC 0

        """

    /// As an ordinary user sees it.
    static let hiddenMemory = """
        00000000-00000000 : System RAM
        00000000-00000000 : Reserved

        """
}
