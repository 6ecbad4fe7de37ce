// SPDX-License-Identifier: Apache-2.0

/// The hypervisor's log: a ring of 2048 bytes, and the last one of an earlier run.
///
/// A reader has a position of its own; see ``Position``.
package struct HypervisorConsole: Hashable, Sendable {
    /// Bytes that the ring holds.
    package static let capacity = 2048

    /// Where an open file reads. It is in one log, and moves to the next when that one has been read to its end.
    package struct Position: Hashable, Sendable {
        var log: UInt64 = 0
        /// Bytes of that log that have been given out.
        var head = 0

        package init() {}
    }

    /// What a reader gets.
    package enum Reading: Hashable, Sendable {
        case bytes([UInt8])
        /// Nothing new.
        case nothing
        /// The hypervisor has not been enabled yet.
        case neverEnabled
        /// The system configuration does not let Linux read it.
        case notPermitted
    }

    private struct Log: Hashable, Sendable {
        var number: UInt64
        /// At most ``capacity`` bytes: the end of what was written.
        var end: [UInt8] = []
        var written = 0

        mutating func append(_ bytes: [UInt8]) {
            written += bytes.count
            end += bytes
            if end.count > HypervisorConsole.capacity { end.removeFirst(end.count - HypervisorConsole.capacity) }
        }
    }

    private var current: Log?
    private var last: Log?
    private var logs: UInt64 = 0
    private var isReadable = true

    package init() {}

    /// All that the ring holds; empty while disabled.
    package var contents: [UInt8] { isReadable ? current?.end ?? [] : [] }

    /// The hypervisor begins a log.
    ///
    /// - Parameter readable: whether the system configuration has the virtual debug console.
    mutating func open(readable: Bool) {
        logs += 1
        isReadable = readable
        current = Log(number: logs)
    }

    /// The hypervisor is gone; what it said last stays readable through the device.
    mutating func close() {
        if isReadable { last = current }
        current = nil
    }

    /// Appends a line; without a hypervisor there is nowhere to print.
    mutating func print(_ line: String) {
        current?.append(RawText.bytes(line) + [UInt8(ascii: "\n")])
    }

    /// Appends what an inmate printed through the virtual console: its lines should end in CR LF.
    mutating func printFromCell(_ text: String) {
        current?.append(Array(text.utf8))
    }

    /// The next bytes for a reader, at most `limit`. If it has lost some, a line says how many first.
    package func read(_ position: inout Position, limit: Int) -> Reading {
        if current != nil && !isReadable { return .notPermitted }
        guard let log = logToRead(&position) else { return current == nil ? .neverEnabled : .nothing }
        let missed = log.written - log.end.count - position.head
        if missed > 0 {
            position.head += missed
            return .bytes(Array("<missed \(missed) bytes of console log>\n".utf8.prefix(limit)))
        }
        let offset = position.head - (log.written - log.end.count)
        let bytes = Array(log.end[offset...].prefix(limit))
        position.head += bytes.count
        return bytes.isEmpty ? .nothing : .bytes(bytes)
    }

    /// The log that the position is in, or the next one when it has read that to its end.
    private func logToRead(_ position: inout Position) -> Log? {
        if let last, position.log <= last.number {
            if position.log < last.number { position = Position(log: last.number) }
            if position.head < last.written || current == nil { return last }
        }
        guard let current else { return nil }
        if position.log != current.number { position = Position(log: current.number) }
        return current
    }
}

extension HypervisorConsole.Position {
    fileprivate init(log: UInt64) {
        self.log = log
    }
}
