// SPDX-License-Identifier: Apache-2.0

import FailureReports
import Supervision

/// Finds signs of life, and last words, in what the hypervisor's console prints.
struct ConsoleEar {
    /// A cell, and what a line must contain to be its sign. Inmates and the hypervisor share the console, and their lines
    /// end alike: nothing else tells whose a line is.
    struct Listener: Hashable {
        let cell: String
        /// Nil: nothing is a sign of life, only of its Linux's end.
        let contains: String?
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
        /// Whether the cell's start was read with it, in front of it.
        var followsStart = false

        /// Whether it is of the life that came up at a time, and not of the one before, which ended alike.
        ///
        /// - Parameter read: when the console was read.
        func isOf(lifeSince start: Moment?, read: Moment) -> Bool {
            guard case .ended = sign, !followsStart, let start else { return true }
            return start <= read
        }
    }

    /// What was heard of each cell by one reading of the console; by the first reading only what follows the start of
    /// the cell that is there.
    mutating func listen(to text: String, for listeners: [Listener]) -> [Heard] {
        let lines = lines(of: text)
        let isFirst = !hasBegun
        hasBegun = true
        return listeners.compactMap { listener in
            guard let contains = listener.contains else {
                let hasStart = lines.contains { GuestMessage.isStart($0, of: listener.cell) }
                if isFirst, !hasStart { return nil }
                let end = GuestMessage.first(in: lines, afterStartOf: listener.cell).flatMap { GuestEnd($0.message) }
                return end.map { Heard(cell: listener.cell, sign: .ended($0), followsStart: hasStart) }
            }
            guard !isFirst else { return nil }
            // that the hypervisor names the cell is no life of its program
            let line = lines.last { $0.contains(contains) && !HypervisorLine.isOne($0) }
            let isSign = line != nil || lines.contains { $0.hasPrefix(Self.gap) }
            return Heard(
                cell: listener.cell, sign: isSign ? .sign : .silence,
                line: line.map { String($0.prefix { !$0.isNewline }) })
        }
    }

    private mutating func lines(of text: String) -> [String] {
        var lines: [String] = []
        for byte in text.utf8 {
            if byte != UInt8(ascii: "\n") {
                rest.append(byte)
                guard rest.count >= Self.longestLine else { continue }
            }
            lines.append(String(decoding: rest, as: UTF8.self))
            rest.removeAll(keepingCapacity: true)
        }
        return lines
    }

    /// The console starts from the beginning again.
    mutating func forget() { rest = [] }

    /// What is read next begins with what was heard already.
    mutating func beginAnew() { (rest, hasBegun) = ([], false) }
}

extension GuestEnd {
    init?(_ message: GuestMessage) { self.init(rawValue: message.rawValue) }
}
