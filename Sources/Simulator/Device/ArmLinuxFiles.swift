// SPDX-License-Identifier: Apache-2.0

/// What the Linux of a simulated Arm64 machine says of its processors and, by the device tree, of its devices.
enum ArmLinuxFiles {
    static func files(_ settings: MachineSettings) -> [(String, [UInt8])] {
        [("/proc/cpuinfo", Array(cpuInfo(settings).utf8))] + tree(settings)
    }

    /// Of a Cortex-A57 or, with VHE, of a Neoverse N1.
    private static func cpuInfo(_ settings: MachineSettings) -> String {
        let hasVHE = settings.traps.contains(.vhe)
        let features = "fp asimd evtstrm aes pmull sha1 sha2 crc32" + (hasVHE ? " atomics cpuid asimdrdm" : " cpuid")
        return (0..<settings.cpus).map { number in
            """
            processor\t: \(number)
            BogoMIPS\t: 125.00
            Features\t: \(features)
            CPU implementer\t: 0x41
            CPU architecture: 8
            CPU variant\t: \(hasVHE ? "0x3" : "0x1")
            CPU part\t: \(hasVHE ? "0xd0c" : "0xd07")
            CPU revision\t: \(hasVHE ? 1 : 0)

            """
        }.joined(separator: "\n") + "\n"
    }

    private struct Device {
        var name: String
        var compatible: String
        /// Address and size of each window.
        var windows: [(UInt64, UInt64)]
    }

    /// Of QEMU's virt machine (its hw/arm/virt.c).
    private static let devices = [
        Device(name: "pl011@9000000", compatible: "arm,pl011", windows: [(0x900_0000, 0x1000)]),
        Device(name: "pl031@9010000", compatible: "arm,pl031", windows: [(0x901_0000, 0x1000)]),
        Device(name: "fw-cfg@9020000", compatible: "qemu,fw-cfg-mmio", windows: [(0x902_0000, 0x18)]),
        Device(name: "pl061@9030000", compatible: "arm,pl061", windows: [(0x903_0000, 0x1000)]),
        Device(name: "virtio_mmio@a000000", compatible: "virtio,mmio", windows: [(0xa00_0000, 0x4000)]),
    ]

    private static func interruptController(_ settings: MachineSettings) -> Device {
        guard settings.gicVersion == 3 else {
            return Device(
                name: "intc@8000000", compatible: "arm,cortex-a15-gic",
                windows: [
                    (0x800_0000, 0x1_0000), (0x801_0000, 0x1_0000), (0x803_0000, 0x1_0000), (0x804_0000, 0x1_0000),
                ])
        }
        let (frame, all): (UInt64, UInt64) = (0x2_0000, 0xf6_0000)
        let size = settings.traps.contains(.redistributors) ? all : frame * UInt64(settings.cpus)
        return Device(
            name: "intc@8000000", compatible: "arm,gic-v3", windows: [(0x800_0000, 0x1_0000), (0x80a_0000, size)])
    }

    /// The interrupt controller; others only as a trap, because a configuration of any board executes here.
    private static func tree(_ settings: MachineSettings) -> [(String, [UInt8])] {
        let base = "/sys/firmware/devicetree/base"
        let all = [interruptController(settings)] + (settings.traps.contains(.devices) ? devices : [])
        return [
            ("\(base)/compatible", text("linux,dummy-virt")), ("\(base)/#address-cells", cells(2)),
            ("\(base)/#size-cells", cells(2)),
        ]
            + all.flatMap { device in
                [
                    ("\(base)/\(device.name)/compatible", text(device.compatible)),
                    ("\(base)/\(device.name)/reg", device.windows.flatMap { wide($0.0) + wide($0.1) }),
                ]
            }
    }

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }
    private static func wide(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }
    private static func cells(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }
}
