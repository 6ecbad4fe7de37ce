// SPDX-License-Identifier: Apache-2.0

/// A device tree in its flattened form (Devicetree Specification 0.4, chapter 5): `.dtb`, `.dtbo`, `/sys/firmware/fdt`.
package struct FlattenedTree: Hashable, Sendable {
    /// Memory that Linux must leave alone.
    package struct Reservation: Hashable, Sendable {
        package var start: UInt64
        /// In bytes.
        package var size: UInt64
    }

    package var root: DeviceNode
    package var reservations: [Reservation] = []
    /// The physical id of the processor that boots.
    package var bootProcessor: UInt32 = 0

    package init(root: DeviceNode) { self.root = root }

    static let magic: UInt32 = 0xd00d_feed
    private static let version: UInt32 = 17
    private static let oldestCompatible: UInt32 = 16
    private static let headerSize = 40
    static let reservationLimit = 1024

    /// Nil for what is none or is damaged.
    package init?(blob: [UInt8]) {
        var reader = BlobReader(blob: blob)
        guard let root = reader.root() else { return nil }
        self.root = root
        bootProcessor = UInt32(truncatingIfNeeded: reader.number(at: 28) ?? 0)
        guard var offset = reader.number(at: 16) else { return }
        while reservations.count < Self.reservationLimit, let start = reader.wide(at: offset),
            let size = reader.wide(at: offset + 8), start != 0 || size != 0
        {
            reservations.append(Reservation(start: start, size: size))
            offset += 16
        }
    }

    package var blob: [UInt8] {
        var writer = BlobWriter()
        writer.write(root)
        let memory =
            (reservations + [Reservation(start: 0, size: 0)]).flatMap {
                [UInt32](wide: $0.start) + [UInt32](wide: $0.size)
            }
        let structure = writer.structure + [BlobWriter.Token.end.rawValue]
        let structureStart = Self.headerSize + memory.count * 4
        let stringsStart = structureStart + structure.count * 4
        let header: [UInt32] = [
            Self.magic, UInt32(stringsStart + writer.strings.count), UInt32(structureStart), UInt32(stringsStart),
            UInt32(Self.headerSize), Self.version, Self.oldestCompatible, bootProcessor, UInt32(writer.strings.count),
            UInt32(structure.count * 4),
        ]
        return [UInt8](cells: header + memory + structure) + writer.strings
    }
}

extension DeviceNode {
    /// From the flattened form; nil for what is none or is damaged.
    package init?(blob: [UInt8]) {
        var reader = BlobReader(blob: blob)
        guard let root = reader.root() else { return nil }
        self = root
    }
}

private struct BlobWriter {
    enum Token: UInt32 {
        case beginNode = 1
        case endNode = 2
        case property = 3
        case end = 9
    }

    private(set) var structure: [UInt32] = []
    private(set) var strings: [UInt8] = []
    private var places: [String: UInt32] = [:]

    mutating func write(_ node: DeviceNode) {
        structure.append(Token.beginNode.rawValue)
        structure += padded(Array(node.name.utf8) + [0])
        for property in node.properties.list {
            structure += [Token.property.rawValue, UInt32(property.value.count), place(of: property.name)]
            structure += padded(property.value)
        }
        for child in node.children { write(child) }
        structure.append(Token.endNode.rawValue)
    }

    private func padded(_ bytes: [UInt8]) -> [UInt32] {
        (bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)).cells
    }

    private mutating func place(of name: String) -> UInt32 {
        if let place = places[name] { return place }
        let place = UInt32(strings.count)
        places[name] = place
        strings += Array(name.utf8) + [0]
        return place
    }
}

private struct BlobReader {
    let blob: [UInt8]
    private var offset = 0
    private var strings = 0
    private var left = DeviceNode.nodeLimit

    init(blob: [UInt8]) { self.blob = blob }

    /// The magic number, the size, then where structure and strings begin.
    mutating func root() -> DeviceNode? {
        guard number(at: 0) == Int(FlattenedTree.magic), let structure = number(at: 8), let strings = number(at: 12)
        else {
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
    func number(at offset: Int) -> Int? {
        guard offset >= 0, offset <= blob.count - 4 else { return nil }
        return blob[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }

    func wide(at offset: Int) -> UInt64? {
        guard let high = number(at: offset), let low = number(at: offset + 4) else { return nil }
        return UInt64(high) << 32 | UInt64(low)
    }

    private func text(at offset: Int) -> String? {
        guard blob.indices.contains(offset), let end = blob[offset...].prefix(256).firstIndex(of: 0) else {
            return nil
        }
        return String(validating: blob[offset..<end], as: UTF8.self)
    }
}
