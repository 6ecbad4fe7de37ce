// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import DeviceTree

// What a device tree says of interrupt controller and devices, compared with what the cell has.

extension TreeInCell {
    private var cell: CellDescriptor { definition.descriptor }

    private var gic: ArmPlatform? {
        if case .arm(let platform) = definition.machine?.platform.specific { platform } else { nil }
    }

    // MARK: - The interrupt controller

    /// Those that Linux knows as GICv2, or older ones (drivers/irqchip/irq-gic.c).
    private static let oldControllers = [
        "arm,gic-400", "arm,arm11mp-gic", "arm,arm1176jzf-devchip-gic", "arm,cortex-a15-gic", "arm,cortex-a9-gic",
        "arm,cortex-a7-gic", "arm,eb11mp-gic", "arm,pl390", "arm,tc11mp-gic", "qcom,msm-8660-qgic", "qcom,msm-qgic2",
    ]
    private static let controllers = oldControllers + ["arm,gic-v3"]
    private static let translators = ["arm,gic-v3-its", "arm,gic-v2m-frame"]

    var controllerFindings: [Finding] {
        let findings = enabledNodes.filter { $0.isCompatible(with: Self.translators) }.map { node in
            ImageRule.treeInterrupts.finding(
                at: location,
                "\(name) has the node \(node.name), which translates interrupts of messages; the cell has none")
        }
        let found = root.placedDevices.filter { $0.node.isCompatible(with: Self.controllers) }
        guard let controller = found.first else {
            return findings + [
                ImageRule.treeInterrupts.finding(
                    at: location, "\(name) has no interrupt controller (GIC)",
                    consequence: "Linux panics without a timer, before any console but an early one prints",
                    remedy: "describe the controller as the system configuration has it")
            ]
        }
        return findings + (gic.map { judge(controller, as: $0) } ?? [])
    }

    private func judge(_ controller: PlacedDevice, as platform: ArmPlatform) -> [Finding] {
        let node = controller.node
        let version = node.isCompatible(with: ["arm,gic-v3"]) ? 3 : 2
        guard version == Int(platform.gicVersion) else {
            return [
                ImageRule.treeInterrupts.finding(
                    at: location,
                    "\(name) has \(node.text("compatible") ?? "") in \(node.name), a GICv\(version); the system has a "
                        + "GICv\(platform.gicVersion)",
                    consequence: platform.gicVersion == 3
                        ? "no interrupt arrives: Linux hangs when it starts its second processor, or waits for its timer"
                        : "Linux ends with `Unhandled data read at \(hexadecimal((controller.windows.first?.lowerBound ?? platform.gicdBase) &+ 0xffe8))(4)`, a register of a "
                            + "GICv3",
                    remedy: platform.gicVersion == 3
                        ? "describe the controller as arm,gic-v3, with distributor and redistributors"
                        : "describe the controller as arm,gic-400, with distributor and CPU interface")
            ]
        }
        let parts: [(name: String, base: UInt64)] = [
            ("distributor", platform.gicdBase),
            version == 3 ? ("redistributors", platform.gicrBase) : ("CPU interface", platform.giccBase),
        ]
        for (part, window) in zip(parts, controller.windows) where part.base != 0 && part.base != window.lowerBound {
            return [
                ImageRule.treeInterrupts.finding(
                    at: location,
                    "\(self.name) has the \(part.name) of \(node.name) at \(hexadecimal(window.lowerBound)); in the system "
                        + "the place is \(hexadecimal(part.base))",
                    remedy: "write the addresses of [platform] in the system configuration into it")
            ]
        }
        guard controller.windows.count > 1 else {
            return [
                ImageRule.treeInterrupts.finding(
                    at: location, "\(name) does not say where \(node.name) has its \(parts[1].name)",
                    remedy: "write distributor and \(parts[1].name) into its reg")
            ]
        }
        guard version == 3, let host = virtualPCI, controller.windows[1].overlaps(host) else { return [] }
        return [
            ImageRule.treeInterrupts.finding(
                at: location,
                "\(name) says that the redistributors of \(node.name) reach to "
                    + "\(hexadecimal(controller.windows[1].upperBound)), over the virtual PCI at "
                    + hexadecimal(host.lowerBound),
                severity: .warning,
                consequence: "Linux does not find the cell's ivshmem devices (`can't claim ECAM area`)")
        ]
    }

    // MARK: - Devices

    /// Where the hypervisor's host controller is; nil: there is none, or it is not known.
    private var virtualPCI: ClosedRange<UInt64>? {
        guard let platform = definition.machine?.platform, platform.virtualPCI == 1, platform.mmconfigBase != 0 else {
            return nil
        }
        let size = (UInt64(platform.mmconfigEndBus) + 1) << 20
        let (last, overflow) = platform.mmconfigBase.addingReportingOverflow(size - 1)
        return overflow ? nil : platform.mmconfigBase...last
    }

    /// Whether the cell has any of these registers: a driver need not touch all that its node names.
    private func hasAny(of window: ClosedRange<UInt64>) -> Bool {
        cell.memoryRegions.contains { region in
            let (last, overflow) = region.virtualStart.addingReportingOverflow(max(region.size, 1) - 1)
            return region.size > 0 && window.overlaps(region.virtualStart...(overflow ? .max : last))
        } || virtualPCI.map { window.overlaps($0) } == true
    }

    /// Without memory, the interrupt controller, and hosts of PCI buses where it is not known which the system has.
    private var devices: [PlacedDevice] {
        let reserved = Set((root.child("reserved-memory")?.children ?? []).map(\.name))
        return root.placedDevices.filter { device in
            let node = device.node
            return !node.texts("compatible").isEmpty && !reserved.contains(node.name)
                && !node.isCompatible(with: Self.controllers + Self.translators)
                && !(node.isPCIHost && definition.machine == nil)
        }
    }

    var deviceFindings: [Finding] {
        let foreign = devices.filter { device in
            !device.windows.isEmpty && !device.windows.contains(where: hasAny)
        }
        // Linux reads the number of each of these, whether it has a driver or not (drivers/amba/bus.c)
        let read = foreign.filter { $0.node.isCompatible(with: ["arm,primecell"]) }
        let idle = foreign.filter { !read.contains($0) }
        var findings: [Finding] = []
        if let first = read.first {
            findings.append(
                finding(
                    of: read, severity: .error,
                    consequence:
                        "Linux reads the number of each arm,primecell device that it finds, and ends with `Unhandled data read at "
                        + "\(hexadecimal(first.windows[0].upperBound &- 0x1f))(4)`"))
        }
        if !idle.isEmpty { findings.append(finding(of: idle)) }
        let known = PlacedDevice.interruptControllers(among: root.placedDevices)
        let pins = Set(
            cell.interruptChips.filter { gic == nil || $0.address == gic?.gicdBase }.flatMap(\.pins))
        let deaf = devices.filter { !foreign.contains($0) }.compactMap { device -> String? in
            let others = device.pins(ofGIC: known).filter { $0 >= 32 && !pins.contains($0) }
            return others.isEmpty ? nil : "\(device.node.name) (\(NumberList.text(of: others.sorted())))"
        }
        if !deaf.isEmpty {
            findings.append(
                ImageRule.treeDeviceInterrupts.finding(
                    at: location,
                    "\(name) has \(Self.count(deaf, "device")) whose interrupts are not the cell's: \(Self.list(deaf))")
            )
        }
        return findings + virtualPCIFindings
    }

    /// - Parameter devices: at least one.
    private func finding(
        of devices: [PlacedDevice], severity: Finding.Severity? = nil, consequence: String? = nil
    ) -> Finding {
        let names = devices.map { "\($0.node.name) (\(hexadecimal($0.windows[0].lowerBound)))" }
        return ImageRule.treeDevices.finding(
            at: location,
            "\(name) has \(Self.count(names, "device")) whose registers are not the cell's: \(Self.list(names))",
            severity: severity, consequence: consequence)
    }

    private static let most = 6

    private static func list(_ names: [String]) -> String {
        let more = names.count - most
        return names.prefix(most).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    private static func count(_ names: [String], _ word: String) -> String {
        names.count == 1 ? "a \(word)" : "\(names.count) \(word)s"
    }

    // MARK: - Virtual PCI

    /// The pins of its host that devices without interrupts of messages raise, counted from 1.
    private var virtualPins: Set<UInt32> {
        Set(
            cell.pciDevices.filter { $0.kind == .sharedMemory && $0.msixVectors == 0 }
                .map { UInt32($0.address.device & 3) + 1 })
    }

    private var virtualPCIFindings: [Finding] {
        guard let window = virtualPCI, cell.pciDevices.contains(where: { $0.kind == .sharedMemory }) else { return [] }
        let hosts = root.placedDevices.filter { $0.node.isPCIHost }
        guard let host = hosts.first(where: { $0.windows.first?.overlaps(window) == true }) else {
            return [
                ImageRule.treeDeviceInterrupts.finding(
                    at: location,
                    "\(name) has no PCI host at \(hexadecimal(window.lowerBound)), where the cell's ivshmem devices are",
                    consequence: "Linux does not find them",
                    remedy: "write a node pci-host-ecam-generic for it, as 'jailhouse-ctl device-tree' prints one")
            ]
        }
        let routes = host.node.interruptRoutes
        for pin in virtualPins.sorted() {
            let expected = 32 + Int(cell.vpciInterruptBase) + Int(pin) - 1
            let found = routes.first { $0.pin == pin }?.interrupt
            guard found != expected else { continue }
            let letter = ["A", "B", "C", "D"][Int(pin) - 1]
            return [
                ImageRule.treeDeviceInterrupts.finding(
                    at: location,
                    "\(name) says that pin \(letter) of \(host.node.name) is "
                        + (found.map { "the interrupt \($0)" } ?? "no interrupt")
                        + "; the hypervisor raises \(expected) (32 + vpci-interrupt-base + pin)",
                    consequence: "no interrupt of the cell's ivshmem devices arrives",
                    remedy: "correct its interrupt-map, or vpci-interrupt-base in [cell]")
            ]
        }
        return []
    }
}

extension DeviceNode {
    fileprivate var isPCIHost: Bool { text("device_type") == "pci" || isCompatible(with: ["pci-host-ecam-generic"]) }

    /// Which interrupt of a GIC each pin of a PCI host is, as its interrupt-map says: three cells of address, the pin, the
    /// controller's handle, kind, number, and trigger.
    fileprivate var interruptRoutes: [(pin: UInt32, interrupt: Int)] {
        let cells = cells("interrupt-map")
        // a controller that has addresses, too, has so many cells more
        let width = [8, 9, 10].first { width in
            !cells.isEmpty && cells.count % width == 0
                && stride(from: 0, to: cells.count, by: width).allSatisfy { cells[$0 + 4] == cells[4] }
        }
        guard let width else { return [] }
        return stride(from: 0, to: cells.count, by: width).compactMap { start in
            let (kind, number) = (cells[start + width - 3], cells[start + width - 2])
            return kind == 0 && number < 1024 ? (cells[start + 3], Int(number) + 32) : nil
        }
    }
}
