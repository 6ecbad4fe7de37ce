// SPDX-License-Identifier: Apache-2.0

import Supervision

/// Finds signs of life in what the hypervisor's console prints.
struct ConsoleEar {
    /// A cell, and what a line must contain to be its sign. Inmates and the hypervisor share the console, and their lines
    /// end alike: nothing else tells whose a line is.
    struct Listener: Hashable {
        let cell: String
        let contains: String
    }

    /// A line that is longer is taken as it is.
    private static let longestLine = 4096

    /// The sign may have been in what nobody has read.
    private static let gap = "<missed "

    /// What is there when this daemon begins may have been printed long ago.
    private var hasBegun = false
    private var rest: [UInt8] = []

    struct Heard {
        let cell: String
        let sign: LifeSign
        /// The last line that was its sign.
        var line: String?
    }

    /// What was heard of each cell by one reading of the console; nothing by the first reading.
    mutating func listen(to text: String, for listeners: [Listener]) -> [Heard] {
        var lines: [String] = []
        for byte in text.utf8 {
            if byte != UInt8(ascii: "\n") {
                rest.append(byte)
                guard rest.count >= Self.longestLine else { continue }
            }
            lines.append(String(decoding: rest, as: UTF8.self))
            rest.removeAll(keepingCapacity: true)
        }
        guard hasBegun else {
            hasBegun = true
            return []
        }
        return listeners.map { listener in
            let line = lines.last { $0.contains(listener.contains) }
            let isSign = line != nil || lines.contains { $0.hasPrefix(Self.gap) }
            return Heard(
                cell: listener.cell, sign: isSign ? .sign : .silence,
                line: line.map { String($0.prefix { !$0.isNewline }) })
        }
    }

    /// The console starts from the beginning again.
    mutating func forget() { rest = [] }
}
