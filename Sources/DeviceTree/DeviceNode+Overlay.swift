// SPDX-License-Identifier: Apache-2.0

/// Why an overlay cannot be applied.
package struct OverlayError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One lower-case sentence.
    package let description: String
}

extension DeviceNode {
    /// Applies a compiled overlay (`.dtbo`): its fragments go to the nodes that they name by path or by label.
    ///
    /// What refers to nodes is as the device tree compiler writes it: `__fixups__` for labels of the base tree, which has
    /// them in `__symbols__`, and `__local_fixups__` for references within the overlay.
    package mutating func apply(overlay: DeviceNode) throws(OverlayError) {
        var overlay = overlay
        let highest = all.compactMap(\.handle).max() ?? 0
        overlay.raiseHandles(by: highest)
        if let local = overlay.child("__local_fixups__") { try overlay.raiseReferences(local, by: highest) }
        if let fixups = overlay.child("__fixups__") { try resolve(fixups, in: &overlay) }
        let fragments = overlay.children.filter { $0.child("__overlay__") != nil }
        guard !fragments.isEmpty else { throw OverlayError(description: "it has no fragment with an __overlay__") }
        for fragment in fragments {
            guard let contents = fragment.child("__overlay__") else { continue }
            let route = try target(of: fragment)
            guard route.count + contents.depth <= Self.depthLimit else {
                throw OverlayError(description: "\(fragment.name) makes the tree deeper than \(Self.depthLimit) nodes")
            }
            self[route].merge(contents)
        }
        guard all.count <= Self.nodeLimit else {
            throw OverlayError(description: "with it the tree has more than \(Self.nodeLimit) nodes")
        }
    }

    /// Of nodes from this one down, itself among them.
    private var depth: Int { 1 + (children.map(\.depth).max() ?? 0) }

    /// By which other nodes refer to it.
    package var handle: UInt32? { number("phandle") ?? number("linux,phandle") }

    private func target(of fragment: DeviceNode) throws(OverlayError) -> [Int] {
        if let path = fragment.text("target-path") {
            guard let route = route(path) else {
                throw OverlayError(description: "\(fragment.name) is for \(path), which the tree does not have")
            }
            return route
        }
        guard let handle = fragment.number("target"), let route = route(toHandle: handle) else {
            throw OverlayError(description: "\(fragment.name) is for a node that the tree does not have")
        }
        return route
    }

    private func route(toHandle handle: UInt32) -> [Int]? {
        if self.handle == handle { return [] }
        for (index, child) in children.enumerated() {
            if let rest = child.route(toHandle: handle) { return [index] + rest }
        }
        return nil
    }

    private mutating func merge(_ other: DeviceNode) {
        for property in other.properties.list { properties[property.name] = property.value }
        for child in other.children {
            if let index = children.firstIndex(where: { $0.name == child.name }) {
                children[index].merge(child)
            } else {
                children.append(child)
            }
        }
    }

    // MARK: - References

    private mutating func raiseHandles(by offset: UInt32) {
        for name in ["phandle", "linux,phandle"] {
            if let number = number(name) { properties[name] = [UInt8](cells: [number &+ offset]) }
        }
        for index in children.indices { children[index].raiseHandles(by: offset) }
    }

    /// - Parameter fixups: the same nodes and properties, with the offsets of references as values.
    private mutating func raiseReferences(_ fixups: DeviceNode, by offset: UInt32) throws(OverlayError) {
        for property in fixups.properties.list {
            for place in property.value.cells {
                guard let number = reference(property.name, Int(place)) else { throw Self.damaged }
                setReference(property.name, Int(place), number &+ offset)
            }
        }
        for child in fixups.children {
            guard let index = children.firstIndex(where: { $0.name == child.name }) else { throw Self.damaged }
            try children[index].raiseReferences(child, by: offset)
        }
    }

    private mutating func resolve(_ fixups: DeviceNode, in overlay: inout DeviceNode) throws(OverlayError) {
        for label in fixups.properties.list {
            guard let path = child("__symbols__")?.text(label.name), let route = route(path) else {
                throw OverlayError(description: "it refers to the label \(label.name), which the tree does not have")
            }
            let handle: UInt32
            if let own = self[route].handle {
                handle = own
            } else {
                handle = max(all.compactMap(\.handle).max() ?? 0, overlay.all.compactMap(\.handle).max() ?? 0) &+ 1
                self[route].properties["phandle"] = [UInt8](cells: [handle])
            }
            for place in fixups.texts(label.name) {
                let parts = place.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 3, let offset = Int(parts[2]), let route = overlay.route(parts[0]),
                    overlay[route].reference(parts[1], offset) != nil
                else { throw Self.damaged }
                overlay[route].setReference(parts[1], offset, handle)
            }
        }
    }

    private static let damaged = OverlayError(description: "its list of references does not fit its nodes")

    private func reference(_ property: String, _ offset: Int) -> UInt32? {
        guard let value = properties[property], offset >= 0, offset + 4 <= value.count else { return nil }
        return Array(value[offset..<offset + 4]).cells.first
    }

    private mutating func setReference(_ property: String, _ offset: Int, _ number: UInt32) {
        properties[property]?.replaceSubrange(offset..<offset + 4, with: [UInt8](cells: [number]))
    }
}
