// SPDX-License-Identifier: Apache-2.0

/// A node of a device tree, by which firmware describes an Arm machine to Linux (Devicetree Specification 0.4).
package struct DeviceNode: Hashable, Sendable {
    /// `serial@9000000`; empty for the root.
    package var name: String
    package var properties: DeviceProperties
    package var children: [DeviceNode]

    package init(name: String = "", properties: DeviceProperties = [:], children: [DeviceNode] = []) {
        self.name = name
        self.properties = properties
        self.children = children
    }

    /// By its name, with or without the address behind it.
    package func child(_ name: String) -> DeviceNode? { childIndex(name).map { children[$0] } }

    package func childIndex(_ name: String) -> Int? {
        children.firstIndex { $0.name == name || $0.name.hasPrefix(name + "@") }
    }

    /// The texts of a property, which a NUL ends each.
    package func texts(_ property: String) -> [String] {
        (properties[property] ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    package func text(_ property: String) -> String? { texts(property).first }

    /// The 32-bit numbers of a property.
    package func cells(_ property: String) -> [UInt32] { (properties[property] ?? []).cells }

    package func number(_ property: String) -> UInt32? { cells(property).first }

    /// Whether the device is there for Linux.
    package var isEnabled: Bool { ["okay", "ok", nil].contains(text("status")) }

    package func isCompatible(with names: [String]) -> Bool { texts("compatible").contains(where: names.contains) }

    /// More than these are no device tree.
    package static let depthLimit = 32
    package static let nodeLimit = 1 << 14

    /// The node of a path such as `/soc/serial@9000000`, as indices of children; nil when there is none.
    func route(_ path: String) -> [Int]? {
        var route: [Int] = []
        var node = self
        for name in path.split(separator: "/") {
            guard let index = node.childIndex(String(name)) else { return nil }
            route.append(index)
            node = node.children[index]
        }
        return route
    }

    subscript(_ route: some Collection<Int>) -> DeviceNode {
        get { route.reduce(self) { $0.children[$1] } }
        set {
            guard let first = route.first else {
                self = newValue
                return
            }
            children[first][route.dropFirst()] = newValue
        }
    }

    /// Itself and all nodes below.
    package var all: [DeviceNode] { [self] + children.flatMap(\.all) }
}

/// Properties in the order in which they were added.
package struct DeviceProperties: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    package struct Property: Hashable, Sendable {
        package var name: String
        package var value: [UInt8]
    }

    package private(set) var list: [Property] = []

    package init(dictionaryLiteral elements: (String, [UInt8])...) {
        for (name, value) in elements { self[name] = value }
    }

    package subscript(_ name: String) -> [UInt8]? {
        get { list.first { $0.name == name }?.value }
        set {
            let index = list.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): list[index].value = value
            case (let index?, nil): list.remove(at: index)
            case (nil, let value?): list.append(Property(name: name, value: value))
            case (nil, nil): break
            }
        }
    }
}

extension [UInt8] {
    /// Big endian numbers of 32 bits; what is left over at the end is none.
    package var cells: [UInt32] {
        stride(from: 0, to: count - 3, by: 4).map { offset in
            self[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    package init(cells: [UInt32]) {
        self = cells.flatMap { cell in (0..<4).map { UInt8(truncatingIfNeeded: cell >> UInt32(24 - 8 * $0)) } }
    }

    /// A property that is a text, or a list of them.
    package init(texts: String...) { self = texts.flatMap { Array($0.utf8) + [0] } }
}

extension [UInt32] {
    /// An address or a size, of two cells.
    package init(wide number: UInt64) {
        self = [UInt32(truncatingIfNeeded: number >> 32), UInt32(truncatingIfNeeded: number)]
    }
}
