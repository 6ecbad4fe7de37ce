// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import DeviceTree

/// For each rule about Linux in a cell, what breaks it in a sound definition.
enum LinuxRuleExamples {
    static let file = "linux.toml"

    static let x86: [String: [ImageRuleExamples.Change]] = [
        "JH0851": [("path = \"vmlinuz\"", "path = \"vmlinuz-of-the-host\"")],
        "JH0852": [("passive-comm-region = true", "message-timeout = 1000000")],
        "JH0853": [(" pci=lastbus=0", "")],
        "JH0854": [("count = 8", "count = 4")],
        "JH0855": [("console=ttyS0,115200 ", "")],
        "JH0856": [("\"execute\", \"dma\", \"loadable\"]", "\"execute\", \"loadable\"]")],
        "JH0857": [
            ("\"execute\", \"dma\", \"loadable\"]", "\"execute\", \"loadable\"]"),
            ("virtual = 0x200000", "virtual = 0x100000000"),
        ],
        "JH0862": [("path = \"vmlinuz\"", "path = \"vmlinuz-with-dma\"")],
        "JH0865": [("console=ttyS0,115200", "earlycon=uart8250,io,0x2f8 console=ttyS0,115200")],
        "JH0866": [("start = \"linux\"", "start = \"linux\"\ninitrd = \"uInitrd\"")],
    ]

    static let arm64: [String: [ImageRuleExamples.Change]] = [
        "JH0858": [("board.dtb", "kvm-guest.dtb")],
        "JH0859": [("board.dtb", "with-optee.dtb")],
        "JH0860": [("board.dtb", "with-its.dtb")],
        "JH0861": [("affinities = [2, 3]", "affinities = [0x102, 0x103]")],
        "JH0863": [("board.dtb", "with-timer.dtb")],
        "JH0864": [("board.dtb", "with-counters.dtb")],
        "JH0867": [("\"execute\", \"loadable\"]", "\"execute\", \"dma\", \"loadable\"]")],
    ]

    static let definition = """
        [cell]
        name = "linux"
        architecture = "x86"
        cpus = [2, 3]
        passive-comm-region = true
        console = { type = "8250", access = "pio", address = 0x3f8 }

        [[memory]]
        name = "low RAM"
        physical = 0x3a000000
        virtual = 0x0
        size = "1 MiB"
        access = ["read", "write", "execute", "dma", "loadable"]

        [[memory]]
        name = "communication region"
        virtual = 0x100000
        size = "4 KiB"
        access = ["read", "write", "communication-region"]

        [[memory]]
        name = "RAM"
        physical = 0x3a200000
        virtual = 0x200000
        size = "62 MiB"
        access = ["read", "write", "execute", "dma", "loadable"]

        [[ports]]
        name = "COM1"
        base = 0x3f8
        count = 8

        [[interrupt-chip]]
        address = 0xfec00000
        id = 0xff00
        pins = [4]

        [[image]]
        path = "vmlinuz"
        start = "linux"
        command-line = "console=ttyS0,115200 pci=lastbus=0"

        """

    static let definitionForArm64 = """
        [cell]
        name = "linux"
        architecture = "arm64"
        cpus = [2, 3]
        passive-comm-region = true

        [[memory]]
        name = "loader"
        physical = 0x70000000
        virtual = 0x0
        size = "64 KiB"
        access = ["read", "write", "execute", "loadable"]

        [[memory]]
        name = "RAM"
        physical = 0x70200000
        virtual = 0x70200000
        size = "128 MiB"
        access = ["read", "write", "execute", "dma", "loadable"]

        [[image]]
        path = "Image"
        start = "linux"
        command-line = "console=ttyAMA0"
        device-tree = "board.dtb"
        affinities = [2, 3]

        """

    /// Of the files that the definition names, and of those beside them.
    static func contents(_ path: String) -> [UInt8]? {
        switch path {
        case "vmlinuz": kernel(release: "6.1.0-guest")
        case "config-6.1.0-guest": Array("CONFIG_X86_64=y\nCONFIG_JAILHOUSE_GUEST=y\n".utf8)
        case "vmlinuz-of-the-host": kernel(release: "6.1.0-host")
        case "config-6.1.0-host": Array("CONFIG_X86_64=y\n# CONFIG_JAILHOUSE_GUEST is not set\n".utf8)
        case "vmlinuz-with-dma": kernel(release: "6.1.0-dma")
        case "config-6.1.0-dma": Array("CONFIG_JAILHOUSE_GUEST=y\nCONFIG_ISA_DMA_API=y\n".utf8)
        case "Image": kernelForArm64
        case "board.dtb": tree().blob
        case "kvm-guest.dtb": tree(method: "hvc").blob
        case "with-optee.dtb":
            tree(with: DeviceNode(name: "optee", properties: ["compatible": [UInt8](texts: "linaro,optee-tz")])).blob
        case "with-its.dtb":
            tree(with: DeviceNode(name: "its@8080000", properties: ["compatible": [UInt8](texts: "arm,gic-v3-its")]))
                .blob
        case "with-timer.dtb":
            tree(
                with: DeviceNode(
                    name: "rtc@9010000",
                    properties: [
                        "compatible": [UInt8](texts: "arm,pl031"), "reg": [UInt8](cells: [0, 0x901_0000, 0x1000]),
                    ])
            )
            .blob
        case "with-counters.dtb":
            tree(
                with: DeviceNode(
                    name: "pmu",
                    properties: [
                        "compatible": [UInt8](texts: "arm,cortex-a53-pmu"), "interrupts": [UInt8](cells: [0, 112, 4]),
                    ])
            ).blob
        case "uInitrd": [0x27, 0x05, 0x19, 0x56] + [UInt8](repeating: 0, count: 60)
        case LinuxStart.defaultLoader: [UInt8](repeating: 0x90, count: 64)
        default: nil
        }
    }

    private static var kernelForArm64: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 0x1000)
        bytes.replaceSubrange(0x38..<0x3c, with: Array("ARM".utf8) + [0x64])
        return bytes
    }

    private static func tree(method: String = "smc", with node: DeviceNode? = nil) -> FlattenedTree {
        let cpus = [UInt32(2), 3].map { number in
            DeviceNode(
                name: "cpu@\(number)",
                properties: [
                    "device_type": [UInt8](texts: "cpu"), "reg": [UInt8](cells: [number]),
                    "enable-method": [UInt8](texts: "psci"),
                ])
        }
        let controller = DeviceNode(
            name: "interrupt-controller@8000000",
            properties: [
                "compatible": [UInt8](texts: "arm,gic-v3"),
                "reg": [UInt8](cells: [0, 0x800_0000, 0x1_0000, 0, 0x80a_0000, 0x8_0000]),
            ])
        let psci = DeviceNode(
            name: "psci", properties: ["compatible": [UInt8](texts: "arm,psci-0.2"), "method": [UInt8](texts: method)])
        let children = [DeviceNode(name: "cpus", children: cpus), psci, controller] + (node.map { [$0] } ?? [])
        return FlattenedTree(root: DeviceNode(children: children))
    }

    /// A bzImage with a setup header, and nothing that could run.
    private static func kernel(release: String) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 0x1000)
        func store(_ number: UInt64, at offset: Int, _ width: Int) {
            for index in 0..<width { bytes[offset + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index)) }
        }
        store(1, at: 0x1f1, 1)
        store(0xaa55, at: 0x1fe, 2)
        store(0x66, at: 0x201, 1)
        store(0x5372_6448, at: 0x202, 4)
        store(0x20f, at: 0x206, 2)
        store(0x100, at: 0x20e, 2)
        store(1, at: 0x211, 1)
        store(0x7fff_ffff, at: 0x22c, 4)
        store(0x20_0000, at: 0x230, 4)
        store(1, at: 0x234, 1)
        store(3, at: 0x236, 2)
        store(2047, at: 0x238, 4)
        store(0x100_0000, at: 0x258, 8)
        store(0x40_0000, at: 0x260, 4)
        bytes.replaceSubrange(0x300..<0x300 + release.utf8.count, with: Array(release.utf8))
        return bytes
    }
}
