// SPDX-License-Identifier: Apache-2.0

package import DeviceTree

/// A device of the tree with its addresses as the processors see them.
package struct PlacedDevice: Hashable {
    package var node: DeviceNode
    /// Its registers.
    package var windows: [ClosedRange<UInt64>] = []
    /// PCI host controllers: the memory that their devices use.
    package var busWindows: [ClosedRange<UInt64>] = []
    /// PCI host controllers: where the processors see the I/O ports of their devices.
    package var portWindows: [ClosedRange<UInt64>] = []
    /// The handle of the controller that its interrupts go to, from the node or one above it; nil when none is named.
    package var interruptParent: UInt32?
}

extension DeviceNode {
    /// All devices that are enabled, each with the windows that can be translated.
    package var placedDevices: [PlacedDevice] { placedDevices(where: \.isEnabled) }

    /// The devices that are meant, and all below them that are, each with the windows that can be translated.
    package func placedDevices(where isMeant: (DeviceNode) -> Bool) -> [PlacedDevice] {
        var devices: [PlacedDevice] = []
        place(in: Bus(node: self, ranges: nil), depth: 0, interruptParent: nil, &devices, isMeant)
        return devices
    }

    private func place(
        in bus: Bus, depth: Int, interruptParent: UInt32?, _ devices: inout [PlacedDevice],
        _ isMeant: (DeviceNode) -> Bool
    ) {
        guard depth < DeviceNode.depthLimit else { return }
        let interruptParent = number("interrupt-parent") ?? interruptParent
        for child in children where isMeant(child) {
            var device = PlacedDevice(node: child)
            device.windows = bus.windows(of: child)
            device.interruptParent = child.number("interrupt-parent") ?? interruptParent
            let isPCI = child.text("device_type") == "pci"
            if isPCI {
                device.busWindows = bus.busWindows(ofPCI: child, kinds: 2...3)
                device.portWindows = bus.busWindows(ofPCI: child, kinds: 1...1)
            }
            devices.append(device)
            if !isPCI, let inner = bus.bus(below: child) {
                child.place(in: inner, depth: depth + 1, interruptParent: interruptParent, &devices, isMeant)
            }
        }
    }

    /// How addresses of a node's children become those of the processor.
    private struct Bus {
        struct Mapping {
            var child: UInt64
            var parent: UInt64
            var size: UInt64
        }

        var addressCells: Int
        var sizeCells: Int
        /// Each level's mappings, the innermost first; nil in a level that changes nothing.
        var levels: [[Mapping]?]

        init(node: DeviceNode, ranges: [[Mapping]?]?) {
            addressCells = Int(clamping: node.number("#address-cells") ?? 2)
            sizeCells = Int(clamping: node.number("#size-cells") ?? 1)
            levels = ranges ?? []
        }

        /// Nil where children have no addresses of the processor, as on an I²C bus.
        func bus(below node: DeviceNode) -> Bus? {
            guard let ranges = node.properties["ranges"] else { return nil }
            var inner = Bus(node: node, ranges: nil)
            inner.levels = [ranges.isEmpty ? nil : mappings(node, inner.addressCells, inner.sizeCells)] + levels
            return inner
        }

        private func mappings(_ node: DeviceNode, _ childCells: Int, _ sizeCells: Int) -> [Mapping] {
            Bus.rows(node.cells("ranges"), [childCells, addressCells, sizeCells]).map {
                Mapping(child: $0[0], parent: $0[1], size: $0[2])
            }
        }

        func windows(of node: DeviceNode) -> [ClosedRange<UInt64>] {
            guard sizeCells > 0 else { return [] }
            return Bus.rows(node.cells("reg"), [addressCells, sizeCells]).compactMap {
                window(start: $0[0], size: $0[1])
            }
        }

        /// A row has the kind of space in its first cell: 1 is I/O ports, 2 and 3 are memory.
        func busWindows(ofPCI node: DeviceNode, kinds: ClosedRange<UInt64>) -> [ClosedRange<UInt64>] {
            Bus.rows(node.cells("ranges"), [1, 2, addressCells, 2]).compactMap { row in
                kinds.contains(row[0] >> 24 & 3) ? window(start: row[2], size: row[3]) : nil
            }
        }

        private func window(start: UInt64, size: UInt64) -> ClosedRange<UInt64>? {
            var address = start
            for case let level? in levels {
                guard let mapping = level.first(where: { address >= $0.child && address - $0.child < $0.size }) else {
                    return nil
                }
                let (next, overflow) = mapping.parent.addingReportingOverflow(address - mapping.child)
                guard !overflow else { return nil }
                address = next
            }
            let (last, overflow) = address.addingReportingOverflow(max(size, 1) - 1)
            return size == 0 || overflow ? nil : address...last
        }

        /// Rows of numbers of so many cells each; of numbers with more than two cells, the last two count.
        private static func rows(_ cells: [UInt32], _ widths: [Int]) -> [[UInt64]] {
            let width = widths.reduce(0, +)
            guard width > 0, widths.allSatisfy({ $0 <= 4 }) else { return [] }
            return stride(from: 0, to: cells.count - width + 1, by: width).map { start in
                var offset = start
                return widths.map { count in
                    defer { offset += count }
                    return cells[offset..<offset + count].suffix(2).reduce(0) { $0 << 32 | UInt64($1) }
                }
            }
        }
    }
}
