// SPDX-License-Identifier: Apache-2.0

extension FlattenedTree {
    /// As source for the device tree compiler (`dtc`).
    package var source: String {
        let memory = reservations.map {
            "/memreserve/ 0x\(String($0.start, radix: 16)) 0x\(String($0.size, radix: 16));\n"
        }.joined()
        return "/dts-v1/;\n" + memory + "\n" + root.lines(indentation: "").joined(separator: "\n") + "\n"
    }
}

extension DeviceNode {
    fileprivate func lines(indentation: String) -> [String] {
        let inner = indentation + "\t"
        var lines = [indentation + (name.isEmpty ? "/" : name) + " {"]
        lines += properties.list.map { property in
            let value = property.sourceValue
            return inner + property.name + (value.isEmpty ? "" : " = " + value) + ";"
        }
        for child in children {
            if lines.count > 1 { lines.append("") }
            lines += child.lines(indentation: inner)
        }
        return lines + [indentation + "};"]
    }
}

extension DeviceProperties.Property {
    /// As texts, numbers or bytes, whatever it looks like; empty for a property that is only there.
    fileprivate var sourceValue: String {
        if value.isEmpty { return "" }
        if let texts { return texts.map { "\"\($0)\"" }.joined(separator: ", ") }
        if value.count.isMultiple(of: 4) {
            return "<" + value.cells.map { "0x" + String($0, radix: 16) }.joined(separator: " ") + ">"
        }
        return "[" + value.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ") + "]"
    }

    /// Printable texts, each with a NUL behind it; nil for anything else.
    private var texts: [String]? {
        guard value.last == 0 else { return nil }
        let parts = value.dropLast().split(separator: 0, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ part in !part.isEmpty && part.allSatisfy { (0x20..<0x7f).contains($0) } }) else {
            return nil
        }
        return parts.map { part in
            String(
                decoding: part.flatMap { byte -> [UInt8] in [0x22, 0x5c].contains(byte) ? [0x5c, byte] : [byte] },
                as: UTF8.self)
        }
    }
}
