// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree
import InmateImage

/// The device tree of Linux in an Arm64 cell: made of the cell's and the system's configuration, or the user's own with
/// what only a load knows; then the user's overlays.
struct CellDeviceTree {
    let cell: CellDescriptor
    let linux: LinuxStart
    let machine: LinuxMachine?
    /// The user's own.
    var own: DeviceNode?
    var overlays: [(path: String, root: DeviceNode)] = []

    /// - Parameter initrd: where it is; nil for none.
    /// - Throws: ``ImageError``, with the file's path where it is about one.
    func tree(initrd: Range<UInt64>?) throws(ImageError) -> DeviceNode {
        var root = if let own { own } else { try made() }
        try edit(&root, initrd)
        for overlay in overlays {
            do throws(OverlayError) {
                try root.apply(overlay: overlay.root)
            } catch {
                throw ImageError(
                    .damaged, "the overlay cannot be applied: \(error.description)",
                    remedy: "correct it, or compile the tree with labels (dtc -@)", path: overlay.path)
            }
        }
        // of the labels nobody needs to know any more
        if own == nil { root.children.removeAll { $0.name == Self.symbols } }
        return root
    }

    private static let symbols = "__symbols__"

    // MARK: - Made of the configurations

    private enum Handle {
        static let interruptController: UInt32 = 1
        static let clock: UInt32 = 2
    }

    /// Kinds and triggers of interrupts (dt-bindings/interrupt-controller/arm-gic.h).
    private enum Interrupt {
        static let shared: UInt32 = 0
        static let own: UInt32 = 1
        static let risingEdge: UInt32 = 1
        static let highLevel: UInt32 = 4
        static let firstShared = SerialInterrupt.firstShared
    }

    private func made() throws(ImageError) -> DeviceNode {
        guard let machine, case .arm(let platform) = machine.platform.specific else {
            throw ImageError(
                .start, "its device tree cannot be made: the system configuration is not known",
                remedy: "give the system configuration as well, or a device-tree of your own in [[image]]")
        }
        var root = DeviceNode(
            properties: [
                "#address-cells": [UInt8](cells: [2]), "#size-cells": [UInt8](cells: [2]),
                "interrupt-parent": [UInt8](cells: [Handle.interruptController]),
                "model": [UInt8](texts: "Jailhouse cell \(cell.name)"), "compatible": [UInt8](texts: "jailhouse,cell"),
            ])
        var chosen = DeviceNode(name: "chosen")
        let serial = try serialPort()
        if let serial { chosen.properties["stdout-path"] = [UInt8](texts: "/" + serial.name) }
        root.children = [
            chosen, DeviceNode(name: "hypervisor", properties: ["compatible": [UInt8](texts: "jailhouse,cell")]),
            processors(platform),
            DeviceNode(
                name: "psci",
                properties: [
                    "compatible": [UInt8](texts: "arm,psci-1.0", "arm,psci-0.2"), "method": [UInt8](texts: "smc"),
                ]),
            timer, try interruptController(platform),
        ]
        var labels: DeviceProperties = ["gic": [UInt8](texts: "/" + (root.children.last?.name ?? ""))]
        if let serial {
            root.children += [clock, serial]
            labels["serial"] = [UInt8](texts: "/" + serial.name)
        }
        if let pci = try virtualPCI(platform) {
            root.children.append(pci)
            labels["pci"] = [UInt8](texts: "/" + pci.name)
        }
        root.children.append(DeviceNode(name: Self.symbols, properties: labels))
        return root
    }

    private func processors(_ platform: ArmPlatform) -> DeviceNode {
        let affinities =
            linux.affinities ?? machine?.affinities(of: cell.cpus)
            ?? LinuxStart.usualAffinities(of: cell.cpus, platform)
        let isWide = affinities.contains { $0 > UInt64(UInt32.max) }
        return DeviceNode(
            name: "cpus",
            properties: ["#address-cells": [UInt8](cells: [isWide ? 2 : 1]), "#size-cells": [UInt8](cells: [0])],
            children: affinities.map { affinity in
                DeviceNode(
                    name: "cpu@" + String(affinity, radix: 16),
                    properties: [
                        "device_type": [UInt8](texts: "cpu"), "compatible": [UInt8](texts: "arm,armv8"),
                        "reg": [UInt8](
                            cells: isWide ? [UInt32](wide: affinity) : [UInt32(truncatingIfNeeded: affinity)]),
                        "enable-method": [UInt8](texts: "psci"),
                    ])
            })
    }

    /// Secure, physical, virtual and the hypervisor's: the binding wants all of them.
    private var timer: DeviceNode {
        DeviceNode(
            name: "timer",
            properties: [
                "compatible": [UInt8](texts: "arm,armv8-timer"),
                "interrupts": [UInt8](cells: [13, 14, 11, 10].flatMap { [Interrupt.own, $0, Interrupt.highLevel] }),
            ])
    }

    /// Without the translation service for interrupts of messages, which the hypervisor does not have.
    private func interruptController(_ platform: ArmPlatform) throws(ImageError) -> DeviceNode {
        var node = DeviceNode(name: "interrupt-controller@" + String(platform.gicdBase, radix: 16))
        let windows: [(UInt64, UInt64)]
        switch platform.gicVersion {
        case 3:
            // more than there are would lie over the virtual PCI host, which Linux then refuses
            let count = UInt64(max(machine?.cpuCount ?? 0, (cell.cpus.members.max() ?? 0) + 1))
            node.properties["compatible"] = [UInt8](texts: "arm,gic-v3")
            windows = [(platform.gicdBase, 0x1_0000), (platform.gicrBase, 0x2_0000 * count)]
        case 2:
            node.properties["compatible"] = [UInt8](texts: "arm,gic-400")
            windows = [(platform.gicdBase, 0x1000), (platform.giccBase, 0x2000)]
        default:
            throw ImageError(
                .start,
                "its device tree cannot be made: the system has an interrupt controller GICv\(platform.gicVersion)",
                remedy: "correct gic-version in the system configuration")
        }
        node.properties["#interrupt-cells"] = [UInt8](cells: [3])
        node.properties["#address-cells"] = [UInt8](cells: [0])
        node.properties["interrupt-controller"] = []
        node.properties["reg"] = [UInt8](cells: windows.flatMap { [UInt32](wide: $0.0) + [UInt32](wide: $0.1) })
        node.properties["phandle"] = [UInt8](cells: [Handle.interruptController])
        return node
    }

    // MARK: - The serial port

    private var clock: DeviceNode {
        DeviceNode(
            name: "serial-clock",
            properties: [
                "compatible": [UInt8](texts: "fixed-clock"), "#clock-cells": [UInt8](cells: [0]),
                "clock-frequency": [UInt8](cells: [linux.serialClock]), "phandle": [UInt8](cells: [Handle.clock]),
            ])
    }

    /// How Linux calls the serial ports of cells' consoles, and their clocks.
    private static let serialPorts: [Console.Kind: (compatible: [UInt8], clocks: [String])] = [
        .pl011: ([UInt8](texts: "arm,pl011", "arm,primecell"), ["uartclk", "apb_pclk"]),
        .uart8250: ([UInt8](texts: "ns16550a"), []),
        .xuartps: ([UInt8](texts: "cdns,uart-r1p12", "xlnx,xuartps"), ["uart_clk", "pclk"]),
        .imx: ([UInt8](texts: "fsl,imx6q-uart", "fsl,imx21-uart"), ["ipg", "per"]),
        .imxLPUART: ([UInt8](texts: "fsl,imx8qxp-lpuart", "fsl,imx7ulp-lpuart"), ["ipg", "baud"]),
        .mvebu: ([UInt8](texts: "marvell,armada-3700-uart"), ["xtal"]),
    ]

    /// That of the cell's console, where the cell has its registers; nil for a cell without one.
    private func serialPort() throws(ImageError) -> DeviceNode? {
        let console = cell.console
        guard console.kind != .none, console.flags.contains(.mmio),
            let region = cell.memoryRegions.first(where: { region in
                console.address >= region.physicalStart && console.address - region.physicalStart < region.size
            })
        else { return nil }
        guard let kind = Self.serialPorts[console.kind] else {
            throw ImageError(
                .start,
                "its device tree cannot be made: what Linux needs for a console of the type \(console.kind.word) is not known",
                remedy: "give a device-tree of your own in [[image]]")
        }
        let address = region.virtualStart &+ (console.address - region.physicalStart)
        var node = DeviceNode(name: "serial@" + String(address, radix: 16))
        node.properties["compatible"] = kind.compatible
        let size = min(UInt64(console.size == 0 ? 0x1000 : console.size), region.size)
        node.properties["reg"] = [UInt8](cells: [UInt32](wide: address) + [UInt32](wide: size))
        let interrupt = try SerialInterrupt(cell: cell, linux: linux, machine: machine).number()
        node.properties["interrupts"] = [UInt8](
            cells: [Interrupt.shared, interrupt - Interrupt.firstShared, Interrupt.highLevel])
        if kind.clocks.isEmpty {
            node.properties["clock-frequency"] = [UInt8](cells: [linux.serialClock])
        } else {
            node.properties["clock-names"] = kind.clocks.flatMap { Array($0.utf8) + [0] }
        }
        node.properties["clocks"] = [UInt8](cells: [UInt32](repeating: Handle.clock, count: max(kind.clocks.count, 1)))
        if console.kind == .uart8250, console.flags.contains(.registerDistance4) {
            node.properties["reg-shift"] = [UInt8](cells: [2])
            node.properties["reg-io-width"] = [UInt8](cells: [4])
        }
        return node
    }

    private var links: [PCIDevice] { cell.pciDevices.filter { $0.kind == .sharedMemory } }

    // MARK: - Virtual PCI

    /// The hypervisor's host controller; nil for a cell without devices there.
    private func virtualPCI(_ platform: ArmPlatform) throws(ImageError) -> DeviceNode? {
        guard let machine, machine.platform.virtualPCI == 1, machine.platform.mmconfigBase != 0, !links.isEmpty else {
            return nil
        }
        let base = machine.platform.mmconfigBase
        guard base < 1 << 47 else {
            throw ImageError(
                .start, "its device tree cannot be made: virtual PCI would be at \(hexadecimal(base))",
                remedy: "correct mmconfig-base in the system configuration")
        }
        let size = (UInt64(machine.platform.mmconfigEndBus) + 1) << 20
        let window = try freeWindow(behind: base + size, platform)
        var node = DeviceNode(name: "pci@" + String(base, radix: 16))
        node.properties["compatible"] = [UInt8](texts: "pci-host-ecam-generic")
        node.properties["device_type"] = [UInt8](texts: "pci")
        node.properties["bus-range"] = [UInt8](cells: [0, UInt32(machine.platform.mmconfigEndBus)])
        node.properties["#address-cells"] = [UInt8](cells: [3])
        node.properties["#size-cells"] = [UInt8](cells: [2])
        node.properties["#interrupt-cells"] = [UInt8](cells: [1])
        node.properties["interrupt-map-mask"] = [UInt8](cells: [0, 0, 0, 7])
        node.properties["interrupt-map"] = [UInt8](
            cells: (0..<4).flatMap { pin in
                [
                    0, 0, 0, pin + 1, Handle.interruptController, Interrupt.shared, cell.vpciInterruptBase &+ pin,
                    Interrupt.risingEdge,
                ]
            })
        node.properties["reg"] = [UInt8](cells: [UInt32](wide: base) + [UInt32](wide: size))
        // 32-bit memory, not prefetchable, at the same address on the bus
        node.properties["ranges"] = [UInt8](
            cells: [0x0200_0000] + [UInt32](wide: window) + [UInt32](wide: window) + [UInt32](wide: Self.windowSize))
        return node
    }

    /// For the registers of all its devices.
    private static let windowSize: UInt64 = 0x10_0000

    /// Addresses of the cell where nothing is, below 4 GiB.
    private func freeWindow(behind start: UInt64, _ platform: ArmPlatform) throws(ImageError) -> UInt64 {
        let count = UInt64(max(machine?.cpuCount ?? 0, 1))
        let taken: [(UInt64, UInt64)] =
            cell.memoryRegions.map { ($0.virtualStart, $0.size) } + [
                (platform.gicdBase, 0x1_0000), (platform.giccBase, 0x2000), (platform.gicrBase, 0x2_0000 * count),
                (machine?.platform.mmconfigBase ?? 0, start - (machine?.platform.mmconfigBase ?? 0)),
            ]
        let step = Self.windowSize
        let first = (start + step - 1) / step * step
        let places = [
            stride(from: first, to: 1 << 32, by: Int(step)), stride(from: step, to: min(first, 1 << 32), by: Int(step)),
        ]
        for place in places.joined()
        where !taken.contains(where: { $0.1 > 0 && $0.0 < place + step && place < $0.0 &+ $0.1 }) {
            return place
        }
        throw ImageError(
            .start,
            "its device tree cannot be made: no MiB below 4 GiB is free for the registers of virtual PCI devices",
            remedy: "move the cell's regions")
    }
}

extension LinuxStart {
    /// The affinities of CPUs as QEMU's machine and most boards with one kind of core number them.
    static func usualAffinities(of cpus: CPUSet, _ platform: ArmPlatform) -> [UInt64] {
        let clusterSize = platform.gicVersion == 3 ? 16 : 8
        return cpus.members.map { UInt64($0 / clusterSize) << 8 | UInt64($0 % clusterSize) }
    }
}
