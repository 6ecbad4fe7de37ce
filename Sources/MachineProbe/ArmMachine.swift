// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree

/// What a device tree says of an Arm machine, in the words of configurations.
struct ArmMachine {
    /// A serial port that the hypervisor can print to.
    struct UART: Hashable {
        var console: Console
        /// `pl011@9000000`
        var name: String
        var isLinuxConsole: Bool
        /// As the interrupt controller counts; 0: the tree does not say it.
        var interrupt: UInt32 = 0
    }

    let root: DeviceNode
    let devices: [PlacedDevice]

    init(_ root: DeviceNode) {
        self.root = root
        devices = root.placedDevices
    }

    /// What the firmware calls the machine.
    var name: String { root.text("model") ?? root.text("compatible") ?? "" }

    /// The processors' MPIDRs, in the order of the tree.
    var processors: [UInt64] {
        (root.child("cpus")?.children ?? []).filter { $0.text("device_type") == "cpu" && $0.isEnabled }.map { cpu in
            cpu.cells("reg").suffix(2).reduce(0) { $0 << 32 | UInt64($1) }
        }
    }

    /// `smc` or `hvc`; nil: CPUs cannot be taken offline.
    var firmwareCall: String? { root.firmwareNode?.text("method") }

    /// The interrupt controller, and the windows of its registers.
    var gic: (platform: ArmPlatform, windows: [ClosedRange<UInt64>])? {
        for device in devices {
            let isVersion3 = device.node.isCompatible(with: ["arm,gic-v3"])
            guard isVersion3 || device.node.isCompatible(with: ArmMachine.secondGIC) else { continue }
            let bases = device.windows.map(\.lowerBound) + [0, 0, 0, 0]
            // a PPI: kind, number, flags
            let interrupt = device.node.cells("interrupts")
            var part = ArmPlatform(
                maintenanceInterrupt: interrupt.count > 1 ? UInt8(clamping: interrupt[1] &+ 16) : 0,
                gicVersion: isVersion3 ? 3 : 2, gicdBase: bases[0])
            if isVersion3 {
                part.gicrBase = bases[1]
            } else {
                (part.giccBase, part.gichBase, part.gicvBase) = (bases[1], bases[2], bases[3])
            }
            return (part, device.windows)
        }
        return nil
    }

    /// Of a GICv3 whose tree says it, in bytes.
    var redistributorStride: UInt64? {
        guard let gic = devices.first(where: { $0.node.isCompatible(with: ["arm,gic-v3"]) }) else { return nil }
        let cells = gic.node.cells("redistributor-stride")
        return cells.isEmpty ? nil : cells.suffix(2).reduce(0) { $0 << 32 | UInt64($1) }
    }

    private static let secondGIC = [
        "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "arm,cortex-a9-gic", "arm,eb11mp-gic",
    ]

    /// Whether interrupts of messages go through a translation service, which the hypervisor does not have.
    var hasTranslationService: Bool { devices.contains { $0.node.isCompatible(with: ["arm,gic-v3-its"]) } }

    var smmus: [IOMMUUnit] {
        devices.compactMap { device in
            let kind: IOMMUUnit.Kind? =
                device.node.isCompatible(with: ["arm,smmu-v3"])
                ? .smmuV3 : device.node.isCompatible(with: ["arm,mmu-500"]) ? .mmu500 : nil
            guard let kind, let window = device.windows.first else { return nil }
            return IOMMUUnit(
                kind: kind, base: window.lowerBound, size: UInt32(clamping: window.upperBound - window.lowerBound + 1))
        }
    }

    /// The one that Linux prints to first.
    var uarts: [UART] {
        let (chosen, gics) = (standardOutput, PlacedDevice.interruptControllers(among: devices))
        return devices.compactMap { device in
            guard let window = device.windows.first,
                let kind = ArmMachine.uarts.first(where: { device.node.isCompatible(with: $0.compatible) })
            else { return nil }
            // registers lie 4 bytes apart, unless a 16550 says otherwise
            let isMini = device.node.isCompatible(with: [ArmMachine.miniUART])
            let shift = device.node.number("reg-shift") ?? (kind.kind == .uart8250 && !isMini ? 0 : 2)
            let console = Console(
                kind: kind.kind, address: window.lowerBound,
                size: UInt32(clamping: max(window.upperBound - window.lowerBound + 1, 0x1000)),
                flags: shift == 2 ? [.mmio, .registerDistance4] : .mmio)
            let interrupt = device.pins(ofGIC: gics).first { $0 >= 32 } ?? 0
            return UART(
                console: console, name: device.node.name, isLinuxConsole: device.node.name == chosen,
                interrupt: UInt32(interrupt))
        }.sorted { $0.isLinuxConsole && !$1.isLinuxConsole }
    }

    /// The name of the node that `stdout-path` leads to: a path, or an alias of one.
    private var standardOutput: String? {
        guard let text = root.child("chosen")?.text("stdout-path")?.split(separator: ":").first else { return nil }
        let path = text.hasPrefix("/") ? String(text) : root.child("aliases")?.text(String(text)) ?? ""
        return path.split(separator: "/").last.map(String.init)
    }

    /// Of the Raspberry Pi: as a 16550, but its binding has no "reg-shift" (brcm,bcm2835-aux-uart.yaml).
    private static let miniUART = "brcm,bcm2835-aux-uart"

    private static let uarts: [(kind: Console.Kind, compatible: [String])] = [
        (.pl011, ["arm,pl011"]),
        (
            .uart8250,
            [
                "ns16550a", "ns16550", "snps,dw-apb-uart", "ti,am654-uart", "nvidia,tegra210-uart",
                "nvidia,tegra20-uart",
                miniUART,
            ]
        ),
        (.xuartps, ["xlnx,xuartps", "cdns,uart-r1p12", "cdns,uart-r1p8"]), (.mvebu, ["marvell,armada-3700-uart"]),
        (.hscif, ["renesas,hscif"]), (.scifa, ["renesas,scifa"]), (.scif, ["renesas,scif"]),
        (.imxLPUART, ["fsl,imx7ulp-lpuart", "fsl,imx8qxp-lpuart", "fsl,imx8ulp-lpuart"]),
        (.imx, ["fsl,imx6q-uart", "fsl,imx-uart", "fsl,imx21-uart"]),
    ]

    /// The numbers of shared peripheral interrupts that devices have, as device trees count them.
    var usedInterrupts: Set<Int> {
        let gics = PlacedDevice.interruptControllers(among: devices)
        var used: Set<Int> = []
        for device in devices {
            used.formUnion(device.pins(ofGIC: gics).filter { (32..<1020).contains($0) }.map { $0 - 32 })
            // another controller may count as the GIC that it is in front of
            let isGICs = device.interruptParent.map { gics[$0] != nil } ?? true
            let direct = isGICs ? [] : device.node.cells("interrupts")
            for start in stride(from: 0, to: direct.count - 2, by: 3) where direct[start] == 0 {
                used.insert(Int(direct[start + 1] & 0x3ff))
            }
            // rows of several shapes, which all have kind, number and flags behind each other
            for key in ["interrupt-map", "interrupts-extended"] {
                let cells = device.node.cells(key)
                for index in cells.indices.dropLast(2)
                where cells[index] == 0 && cells[index + 1] < 1020 && [1, 2, 4, 8].contains(cells[index + 2]) {
                    used.insert(Int(cells[index + 1]))
                }
            }
        }
        return messageFrames.reduce(into: used) { $0.formUnion($1.interrupts ?? []) }
    }

    /// Where PCI devices of a GICv2 write their messages (GICv2m): each frame has shared peripheral interrupts, as device trees
    /// count them; nil where only its register says which.
    var messageFrames: [(name: String, address: UInt64?, interrupts: Set<Int>?)] {
        devices.filter { $0.node.isCompatible(with: ["arm,gic-v2m-frame"]) }.map { device in
            var interrupts: Set<Int>?
            // the binding counts as the GIC does
            if let base = device.node.number("arm,msi-base-spi"), let count = device.node.number("arm,msi-num-spis"),
                (32..<1020).contains(base), (1...988).contains(count)
            {
                interrupts = Set(Int(base) - 32..<Int(base) - 32 + Int(count))
            }
            return (device.node.name, device.windows.first?.lowerBound, interrupts)
        }
    }

    /// Four numbers behind each other that no device has: for the pins of the virtual PCI host controller.
    var freeInterrupts: Int? {
        let used = usedInterrupts
        let isFree = { (base: Int) in (base..<base + 4).allSatisfy { !used.contains($0) } }
        let behind = (used.max() ?? 31) + 1
        // what is far behind the last one may not exist
        return behind <= 216 ? behind : (8..<984).first(where: isFree)
    }

    /// RAM that the tree names.
    var memory: [ClosedRange<UInt64>] {
        devices.filter { $0.node.text("device_type") == "memory" || $0.node.name.hasPrefix("memory@") }
            .flatMap(\.windows)
    }

    /// Registers of devices, and the windows of PCI host controllers, each with its node's name.
    var registers: [(name: String, range: ClosedRange<UInt64>)] {
        let reserved = Set((root.child("reserved-memory")?.children ?? []).map(\.name))
        return devices.filter {
            !$0.node.name.hasPrefix("memory@") && $0.node.name != "memory" && !reserved.contains($0.node.name)
        }
        .flatMap { device in
            device.windows.map { (device.node.name, $0) }
                + device.busWindows.map { ("PCI devices of \(device.node.name)", $0) }
                + device.portWindows.map { ("PCI ports of \(device.node.name)", $0) }
        }
    }
}

extension DeviceNode {
    /// The node of the firmware's power interface (PSCI), wherever it is.
    var firmwareNode: DeviceNode? {
        child("psci") ?? all.first { $0.isCompatible(with: ["arm,psci", "arm,psci-0.2", "arm,psci-1.0"]) }
    }
}
