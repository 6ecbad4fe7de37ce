// SPDX-License-Identifier: Apache-2.0

package import DeviceTree

// What Linux's texts and the device tree say of an Arm machine.

extension RunningMachine {
    /// A device of the tree with its registers.
    package struct TreeRegisters: Hashable, Sendable {
        /// `intc@8000000`
        package var node: String
        package var compatible: [String]
        /// As the processors see them.
        package var windows: [ClosedRange<UInt64>]
        /// Whether Linux has a device of it.
        package var isEnabled: Bool

        package init(
            node: String, compatible: [String] = [], windows: [ClosedRange<UInt64>], isEnabled: Bool = true
        ) {
            self.node = node
            self.compatible = compatible
            self.windows = windows
            self.isEnabled = isEnabled
        }
    }

    /// Whether the processors are a PC's; nil when the text does not tell.
    ///
    /// - Parameter cpuInfo: the text of `/proc/cpuinfo`.
    package static func hasPCProcessors(cpuInfo: String) -> Bool? {
        let keys = cpuInfo.split(separator: "\n").map { $0.prefix { $0 != "\t" && $0 != " " && $0 != ":" } }
        if keys.contains("flags") { return true }
        return keys.contains("Features") ? false : nil
    }

    /// Whether the processors are Intel's.
    ///
    /// - Parameter cpuInfo: the text of `/proc/cpuinfo`.
    package static func hasIntelProcessors(cpuInfo: String) -> Bool {
        cpuInfo.split(separator: "\n").contains { $0.hasPrefix("vendor_id") && $0.hasSuffix("GenuineIntel") }
    }

    /// Whether Linux uses VT-d for itself, of which the last word counts.
    ///
    /// - Parameter commandLine: the text of `/proc/cmdline`.
    package static func translatesByVTD(commandLine: String) -> Bool {
        let words = commandLine.split { $0 == " " || $0 == "\n" }.filter { $0.hasPrefix("intel_iommu=") }
            .flatMap { $0.dropFirst("intel_iommu=".count).split(separator: ",") }
        return words.last { $0 == "on" || $0 == "off" } == "on"
    }

    /// Whether it is a PC; nil when nothing tells. Its own files count before the processors': a simulated machine has those
    /// of the machine underneath.
    var isPC: Bool? {
        if ports.contains(where: { $0.name.hasPrefix("PCI conf") || MachineRules.legacy.contains($0.name) }) {
            return true
        }
        return registers.isEmpty && treeMemory.isEmpty ? hasPCProcessors : false
    }

    /// Whether Linux runs at EL2. It does on processors with VHE (Armv8.1 and later) unless its command line says
    /// otherwise; a hypervisor that is enabled then panics it.
    ///
    /// - Parameters:
    ///   - cpuInfo: the text of `/proc/cpuinfo`.
    ///   - commandLine: the text of `/proc/cmdline`.
    package static func runsAtEL2(cpuInfo: String, commandLine: String) -> Bool {
        // Armv8.1 has both; an earlier processor with the first alone exists
        let features = cpuInfo.split(separator: "\n").first { $0.hasPrefix("Features") }?.split(separator: " ") ?? []
        guard ["atomics", "asimdrdm"].allSatisfy({ features.contains($0) }) else { return false }
        let words = commandLine.split { $0 == " " || $0 == "\n" }
        return !words.contains { ["kvm-arm.mode=nvhe", "kvm-arm.mode=protected", "id_aa64mmfr1.vh=0"].contains($0) }
    }

    /// Adds what a device tree says. Addresses are those of the processors: through all `ranges` above a node.
    package mutating func read(_ tree: DeviceNode) {
        let placed = tree.placedDevices { _ in true }
        let enabled = Set(tree.placedDevices.map(\.windows))
        let gic = PlacedDevice.interruptControllers(among: placed)
        for device in placed {
            let node = device.node
            if node.isMemory || node.isReservedForCells { treeMemory += device.windows }
            guard let address = device.windows.first?.lowerBound else { continue }
            registers.append(
                TreeRegisters(
                    node: node.name, compatible: node.texts("compatible"), windows: device.windows,
                    isEnabled: enabled.contains(device.windows)))
            let isFixed = node.texts("compatible").contains { $0.hasPrefix("fixed-") }
            if !(node.properties["#clock-cells"] ?? []).isEmpty, !isFixed, enabled.contains(device.windows),
                !usedDevices.contains(where: { $0.address == address })
            {
                usedDevices.append(UsedDevice(clockController: node.name, address: address))
            }
            let pins = device.pins(ofGIC: gic)
            if !pins.isEmpty { devices.append(TreeDevice(name: node.name, address: address, pins: pins)) }
        }
    }

}

extension PlacedDevice {
    /// The handles of GICs, with the cells that an interrupt has there.
    package static func interruptControllers(among devices: [PlacedDevice]) -> [UInt32: Int] {
        let found = devices.filter { $0.node.texts("compatible").contains(where: isGIC) }.compactMap { device in
            device.node.handle.map { ($0, Int(clamping: device.node.number("#interrupt-cells") ?? 3)) }
        }
        return Dictionary(found) { first, _ in first }
    }

    private static func isGIC(_ compatible: String) -> Bool {
        compatible.hasPrefix("arm,gic") && !compatible.hasSuffix("its") || compatible.hasSuffix("-gic")
    }

    /// Its interrupts at the GIC, in the GIC's numbers.
    ///
    /// - Parameter controllers: the handles of GICs, with the cells that an interrupt has there: a kind (0 SPI, 1 PPI), a
    ///   number and flags at least. Other controllers, such as those of GPIO, have numbers of their own.
    package func pins(ofGIC controllers: [UInt32: Int]) -> [Int] {
        // a tree with one controller need not refer to it
        let width = interruptParent.map { controllers[$0] } ?? 3
        var pins: [Int] = []
        if let width, width >= 3 { pins += Self.pins(node.cells("interrupts"), width) }
        let extended = node.cells("interrupts-extended")
        var offset = 0
        // behind another controller's handle are as many cells as that one has, which is not known here
        while offset < extended.count, let width = controllers[extended[offset]], width >= 3 {
            pins += Self.pins(Array(extended[(offset + 1)...].prefix(width)), width)
            offset += 1 + width
        }
        return pins
    }

    private static func pins(_ cells: [UInt32], _ width: Int) -> [Int] {
        stride(from: 0, to: cells.count - width + 1, by: width).map {
            Int(cells[$0 + 1] & 0xffff) + (cells[$0] == 0 ? 32 : 16)
        }
    }
}

extension DeviceNode {
    fileprivate var isMemory: Bool {
        text("device_type") == "memory" || name == "memory" || name.hasPrefix("memory@")
    }

    /// Memory that Linux leaves alone, by a name that says for whom.
    fileprivate var isReservedForCells: Bool {
        properties["no-map"] != nil
            && ["jailhouse", "hypervisor", "cell", "inmate"].contains { name.lowercased().contains($0) }
    }
}
