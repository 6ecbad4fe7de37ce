// SPDX-License-Identifier: Apache-2.0

/// The device tree that the kernel is handed (Devicetree Specification 0.4, chapter 5).
struct Tree {
    /// A node: its name, and the first token behind it.
    struct Node {
        let name: UInt
        let tokens: UInt
    }

    /// A property's value.
    struct Value {
        let address: UInt
        let size: UInt

        /// A number of 32 bits. - Parameter index: counted in such numbers.
        func cell(_ index: UInt) -> UInt32 { Tree.number(address + index * 4) }
        /// A number of 64 bits. - Parameter index: counted in numbers of 32 bits.
        func wide(_ index: UInt) -> UInt64 { UInt64(cell(index)) << 32 | UInt64(cell(index + 1)) }

        /// Whether one of its texts is this.
        func has(_ text: StaticString) -> Bool {
            var start: UInt = 0
            while start < size {
                var end = start
                while end < size, Tree.byte(address + end) != 0 { end += 1 }
                if Tree.isText(address + start, end - start, text) { return true }
                start = end + 1
            }
            return false
        }
    }

    private enum Token {
        static let beginNode: UInt32 = 1
        static let endNode: UInt32 = 2
        static let property: UInt32 = 3
        static let nothing: UInt32 = 4
    }

    let base: UInt

    var isTree: Bool {
        Self.number(base) == 0xd00d_feed && Self.number(base + 20) >= 17 && Self.number(base + 24) <= 17
    }
    var size: UInt { UInt(Self.number(base + 4)) }
    var root: Node { node(at: base + UInt(Self.number(base + 8))) }

    func property(_ node: Node?, _ name: StaticString) -> Value? {
        guard let node else { return nil }
        var place = node.tokens
        while true {
            switch Self.number(place) {
            case Token.nothing: place += 4
            case Token.property:
                let size = UInt(Self.number(place + 4))
                let text = base + UInt(Self.number(base + 12)) + UInt(Self.number(place + 8))
                if Self.isText(text, Self.length(text), name) { return Value(address: place + 12, size: size) }
                place += 12 + (size + 3) & ~3
            default: return nil
            }
        }
    }

    /// A child by its name, with or without the address behind it.
    func child(_ parent: Node?, _ name: StaticString) -> Node? {
        guard let parent else { return nil }
        var next = firstChild(parent)
        while let node = next {
            let length = Self.length(node.name)
            let end = UInt(name.utf8CodeUnitCount)
            if Self.isText(node.name, min(length, end), name), length == end || Self.byte(node.name + end) == 0x40 {
                return node
            }
            next = sibling(node)
        }
        return nil
    }

    func firstChild(_ parent: Node) -> Node? { nextNode(from: parent.tokens) }

    func sibling(_ node: Node) -> Node? {
        var place = node.tokens
        var depth = 1
        while depth > 0 {
            switch Self.number(place) {
            case Token.nothing: place += 4
            case Token.property: place += 12 + (UInt(Self.number(place + 4)) + 3) & ~3
            case Token.beginNode:
                depth += 1
                place = self.node(at: place).tokens
            case Token.endNode:
                depth -= 1
                place += 4
            default: return nil
            }
        }
        return nextNode(from: place)
    }

    private func nextNode(from start: UInt) -> Node? {
        var place = start
        while true {
            switch Self.number(place) {
            case Token.nothing: place += 4
            case Token.property: place += 12 + (UInt(Self.number(place + 4)) + 3) & ~3
            case Token.beginNode: return node(at: place)
            default: return nil
            }
        }
    }

    private func node(at token: UInt) -> Node {
        Node(name: token + 4, tokens: (token + 4 + Self.length(token + 4) + 1 + 3) & ~3)
    }

    static func byte(_ address: UInt) -> UInt8 { DeviceMemory(at: address).read8(0) }
    static func number(_ address: UInt) -> UInt32 { DeviceMemory(at: address).read(0).byteSwapped }

    static func length(_ text: UInt) -> UInt {
        var count: UInt = 0
        while byte(text + count) != 0 { count += 1 }
        return count
    }

    static func isText(_ address: UInt, _ count: UInt, _ text: StaticString) -> Bool {
        guard count == UInt(text.utf8CodeUnitCount) else { return false }
        return text.withUTF8Buffer { bytes in
            for index in 0..<count where byte(address + index) != bytes[Int(index)] { return false }
            return true
        }
    }
}
