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
                let pages = device.windows.map(ArmMachine.firstPage) + [0, 0, 0, 0]
                (part.giccBase, part.gichBase, part.gicvBase) = (pages[1], bases[2], pages[3])
            }
            return (part, device.windows)
        }
        return nil
    }

    /// Of an interface whose two pages are repeated over 64 KiB each, the page that the second one follows.
    private static func firstPage(of window: ClosedRange<UInt64>) -> UInt64 {
        window.lowerBound + (window.upperBound - window.lowerBound == 0x1_ffff ? 0xf000 : 0)
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
            let isWide = device.node.isCompatible(with: ArmMachine.wide16550s)
            let shift = device.node.number("reg-shift") ?? (kind.kind == .uart8250 && !isWide ? 0 : 2)
            let size = window.upperBound - window.lowerBound + 1
            let console = Console(
                kind: kind.kind, address: window.lowerBound,
                size: UInt32(clamping: window.lowerBound % 0x1000 == 0 ? max(size, 0x1000) : size),
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

    /// As a 16550 whose registers lie 4 bytes apart, although its binding has no "reg-shift": of the Raspberry Pi
    /// (brcm,bcm2835-aux-uart.yaml), of Texas Instruments (8250_omap.yaml).
    private static let wide16550s = [
        "brcm,bcm2835-aux-uart", "ti,am654-uart", "ti,am64-uart", "ti,am4372-uart", "ti,am3352-uart", "ti,dra742-uart",
        "ti,omap4-uart",
    ]

    private static let uarts: [(kind: Console.Kind, compatible: [String])] = [
        (.pl011, ["arm,pl011", "arm,pl011-axi", "arm,sbsa-uart"]),
        (
            .uart8250,
            [
                "ns16550a", "ns16550", "snps,dw-apb-uart", "nvidia,tegra210-uart", "nvidia,tegra20-uart",
            ] + wide16550s
        ),
        (.xuartps, ["xlnx,xuartps", "cdns,uart-r1p12", "cdns,uart-r1p8"]), (.mvebu, ["marvell,armada-3700-uart"]),
        (.hscif, ["renesas,hscif"]), (.scifa, ["renesas,scifa"]), (.scif, ["renesas,scif"]),
        (.imxLPUART, ["fsl,imx7ulp-lpuart", "fsl,imx8qxp-lpuart", "fsl,imx8ulp-lpuart"]),
        (.imx, ["fsl,imx6q-uart", "fsl,imx-uart", "fsl,imx21-uart"]),
    ]

    /// RAM that the tree names.
    var memory: [ClosedRange<UInt64>] {
        devices.filter { $0.node.text("device_type") == "memory" || $0.node.name.hasPrefix("memory@") }
            .flatMap(\.windows)
    }

    /// Something of a device that Linux uses.
    struct Part {
        /// Of the device's node.
        var name: String
        var range: ClosedRange<UInt64>
        /// Whether it is memory by its behaviour, so that programs may access it in any way.
        var isMemory = false
    }

    /// Registers of devices, and the windows of PCI host controllers.
    var registers: [Part] {
        let reserved = Set((root.child("reserved-memory")?.children ?? []).map(\.name))
        return devices.filter {
            !$0.node.name.hasPrefix("memory@") && $0.node.name != "memory" && !reserved.contains($0.node.name)
        }
        .flatMap { device in
            let isMemory = device.node.isCompatible(with: ["mmio-sram", "simple-framebuffer"])
            return device.windows.map { Part(name: device.node.name, range: $0, isMemory: isMemory) }
                + device.busWindows.map { Part(name: "PCI devices of \(device.node.name)", range: $0) }
                + device.portWindows.map { Part(name: "PCI ports of \(device.node.name)", range: $0) }
        }
    }
}

extension DeviceNode {
    /// The node of the firmware's power interface (PSCI), wherever it is.
    var firmwareNode: DeviceNode? {
        child("psci") ?? all.first { $0.isCompatible(with: ["arm,psci", "arm,psci-0.2", "arm,psci-1.0"]) }
    }
}
