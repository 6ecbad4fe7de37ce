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

        package init(node: String, compatible: [String] = [], windows: [ClosedRange<UInt64>]) {
            self.node = node
            self.compatible = compatible
            self.windows = windows
        }
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

    /// Adds what a device tree says.
    package mutating func read(_ tree: DeviceNode) {
        let cells = ["#address-cells", "#size-cells"].map { Int(clamping: tree.number($0) ?? 1) }
        for node in tree.descendants {
            if node.name.hasPrefix("memory@") || node.name == "memory" {
                treeMemory += RunningMachine.memory(
                    reg: node.properties["reg"] ?? [], addressCells: cells[0], sizeCells: cells[1])
            }
            if !(node.properties["#clock-cells"] ?? []).isEmpty,
                let device = UsedDevice(clockController: node.name),
                !usedDevices.contains(where: { $0.address == device.address })
            {
                usedDevices.append(device)
            }
            let interrupts = node.properties["interrupts"] ?? []
            if !interrupts.isEmpty, let device = TreeDevice(node: node.name, interrupts: interrupts) {
                devices.append(device)
            }
        }
        registers += tree.placedDevices { _ in true }.filter { !$0.windows.isEmpty }.map {
            TreeRegisters(node: $0.node.name, compatible: $0.node.texts("compatible"), windows: $0.windows)
        }
    }
}

extension DeviceNode {
    /// All nodes below it, each before its own children.
    fileprivate var descendants: [DeviceNode] { children.flatMap { [$0] + $0.descendants } }
}
