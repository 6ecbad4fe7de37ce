// SPDX-License-Identifier: Apache-2.0

/// A node of the device tree by which the firmware describes an Arm machine (Devicetree Specification 0.4).
package struct DeviceNode: Hashable, Sendable {
    /// `serial@9000000`
    package var name: String
    package var properties: [String: [UInt8]]
    package var children: [DeviceNode]

    package init(name: String = "", properties: [String: [UInt8]] = [:], children: [DeviceNode] = []) {
        self.name = name
        self.properties = properties
        self.children = children
    }

    package func child(_ name: String) -> DeviceNode? {
        children.first { $0.name == name || $0.name.hasPrefix(name + "@") }
    }

    /// The texts of a property, which a NUL ends each.
    package func texts(_ property: String) -> [String] {
        (properties[property] ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    package func text(_ property: String) -> String? { texts(property).first }

    package func cells(_ property: String) -> [UInt32] { RunningMachine.cells(properties[property] ?? []) }

    package func number(_ property: String) -> UInt32? { cells(property).first }

    /// Whether the device is there for Linux.
    package var isEnabled: Bool { ["okay", "ok", nil].contains(text("status")) }

    package func isCompatible(with names: [String]) -> Bool { texts("compatible").contains(where: names.contains) }

    /// More than these are no device tree.
    static let depthLimit = 32
    static let nodeLimit = 1 << 14
}

extension DeviceNode {
    /// From the flattened form, as `/sys/firmware/fdt` has it; nil for what is none or is damaged.
    package init?(blob: [UInt8]) {
        var reader = BlobReader(blob: blob)
        guard let root = reader.root() else { return nil }
        self = root
    }

    private struct BlobReader {
        let blob: [UInt8]
        private var offset = 0
        private var strings = 0
        private var left = DeviceNode.nodeLimit

        init(blob: [UInt8]) { self.blob = blob }

        /// The magic number, the size, then where structure and strings begin.
        mutating func root() -> DeviceNode? {
            guard number(at: 0) == 0xd00d_feed, let structure = number(at: 8), let strings = number(at: 12) else {
                return nil
            }
            (offset, self.strings) = (structure, strings)
            return next() == 1 ? node(depth: 0) : nil
        }

        private mutating func next() -> Int? {
            defer { offset += 4 }
            return number(at: offset)
        }

        private mutating func node(depth: Int) -> DeviceNode? {
            guard depth < DeviceNode.depthLimit, left > 0, let name = text(at: offset) else { return nil }
            left -= 1
            offset = (offset + name.utf8.count + 1 + 3) & ~3
            var node = DeviceNode(name: name)
            while let token = next() {
                switch token {
                case 1:
                    guard let child = self.node(depth: depth + 1) else { return nil }
                    node.children.append(child)
                case 2: return node
                case 3:
                    guard let length = next(), let place = next(), length <= blob.count - offset,
                        let key = text(at: strings + place)
                    else { return nil }
                    node.properties[key] = Array(blob[offset..<offset + length])
                    offset = (offset + length + 3) & ~3
                case 4: continue
                default: return nil
                }
            }
            return nil
        }

        /// Big endian.
        private func number(at offset: Int) -> Int? {
            guard offset >= 0, offset <= blob.count - 4 else { return nil }
            return blob[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
        }

        private func text(at offset: Int) -> String? {
            guard blob.indices.contains(offset), let end = blob[offset...].prefix(256).firstIndex(of: 0) else {
                return nil
            }
            return String(validating: blob[offset..<end], as: UTF8.self)
        }
    }
}

/// A device of the tree with its addresses as the processors see them.
package struct PlacedDevice: Hashable {
    package var node: DeviceNode
    /// Its registers.
    package var windows: [ClosedRange<UInt64>] = []
    /// PCI host controllers: the memory that their devices use.
    package var busWindows: [ClosedRange<UInt64>] = []
}

extension DeviceNode {
    /// All devices that are enabled, each with the windows that can be translated.
    package var placedDevices: [PlacedDevice] { placedDevices(where: \.isEnabled) }

    /// The devices that are meant, and all below them that are, each with the windows that can be translated.
    package func placedDevices(where isMeant: (DeviceNode) -> Bool) -> [PlacedDevice] {
        var devices: [PlacedDevice] = []
        place(in: Bus(node: self, ranges: nil), depth: 0, &devices, isMeant)
        return devices
    }

    private func place(
        in bus: Bus, depth: Int, _ devices: inout [PlacedDevice], _ isMeant: (DeviceNode) -> Bool
    ) {
        guard depth < DeviceNode.depthLimit else { return }
        for child in children where isMeant(child) {
            var device = PlacedDevice(node: child)
            device.windows = bus.windows(of: child)
            let isPCI = child.text("device_type") == "pci"
            if isPCI { device.busWindows = bus.busWindows(ofPCI: child) }
            devices.append(device)
            if !isPCI, let inner = bus.bus(below: child) { child.place(in: inner, depth: depth + 1, &devices, isMeant) }
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

        /// A row has the kind of space in its first cell: 2 and 3 are memory.
        func busWindows(ofPCI node: DeviceNode) -> [ClosedRange<UInt64>] {
            Bus.rows(node.cells("ranges"), [1, 2, addressCells, 2]).compactMap { row in
                (row[0] >> 24 & 3) < 2 ? nil : window(start: row[2], size: row[3])
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
