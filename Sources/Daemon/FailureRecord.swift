// SPDX-License-Identifier: Apache-2.0

import FailureReports
import JailhouseInterface
import Supervision

/// The evidence of one failure, kept before anything was repaired.
struct FailureRecord: Hashable, Sendable, Codable {
    /// How many are kept of each cell.
    static let kept = 8

    /// µs since 1970.
    var at: Int
    var cause: FailureCause
    /// The hypervisor's word for the cell at that time; nil when there was no such cell.
    var state: String?
    var failedCPUs: [Int]
    /// What the hypervisor's console showed last.
    var console: [String]
    /// How often the cell's CPUs had left it, in all and for the hypervisor's own business; nil when that could not be
    /// read, and in records of older daemons.
    var exits: Int?
    var managementExits: Int?
    /// Of a cell that gave no sign of life: which rule, since when, and what was seen last. Of one whose guest's end was
    /// reported by somebody else than its console: its last words. Nil in records of older daemons.
    var silence: String?
    /// Whether ``console`` is what the guest printed on a console of its own. Nil in records of older daemons.
    var isOfGuest: Bool?

    /// Of what a guest printed.
    static let mostGuestLines = 40

    /// - Parameter lastWords: the last lines of a guest, of which the last says how it ended.
    mutating func take(lastWords lines: [String]) {
        guard let last = lines.last else { return }
        silence = "its last words were \"\(last)\""
        guard lines.count > 1 else { return }
        isOfGuest = true
        console = lines
    }

    init(
        _ cause: FailureCause, of observation: Observation?, exits: (total: UInt64?, management: UInt64?) = (nil, nil),
        console: String = "", cell: String? = nil
    ) {
        at = Clock.realTime()
        self.cause = cause
        state = observation?.state.rawValue
        self.exits = exits.total.map { Int(clamping: $0) }
        managementExits = exits.management.map { Int(clamping: $0) }
        failedCPUs = observation?.lostCPUs ?? []
        self.console = Self.lines(of: console, about: failedCPUs, of: cell)
    }

    /// Adds what the console showed, which is read beside the supervision.
    ///
    /// - Parameter sign: what a line must contain to be the cell's sign of life; nil: its rule is about something else.
    mutating func add(console text: String, cell: String, sign: String? = nil) {
        // the hypervisor was not asked
        if case .refused(_, let refusal) = cause, refusal.errno == 0 { return }
        if isOfGuest == true { return }
        // a panic that was seen elsewhere is not on this console: one here is another's
        if cause == .guestEnded(.panic), silence == nil, let lines = Self.panic(in: text, of: cell) {
            console = lines
        } else if cause == .silent || cause == .stalled {
            // inmates share the console, and nothing tells whose any other line is
            // an earlier life's death says nothing of this one
            let lines = Self.lines(of: text)
            let start = lines.lastIndex { GuestMessage.isStart($0, of: cell) } ?? 0
            console = Self.lastLines(of: lines[start...].joined(separator: "\n")) { line in
                Self.names(line) && Self.isAbout(cell, line) || sign.map { line.contains($0) } == true
            }
        } else {
            console = Self.lines(of: text, about: failedCPUs, of: cell)
        }
    }

    /// The last panic of a Linux and what it printed before it and after it; nil: there is none.
    private static func panic(in console: String, of cell: String) -> [String]? {
        let lines = lines(of: console)
        guard let panic = lines.lastIndex(where: { GuestMessage(line: $0) == .panic }) else { return nil }
        let start = lines[..<panic].lastIndex { GuestMessage.isStart($0, of: cell) }.map { $0 + 1 } ?? 0
        return Array(lines[max(start, panic - 10)...].filter { !names($0) }.prefix(30))
    }

    /// The cause and, if the hypervisor gave one, its reason.
    var reason: String {
        // a block of this cell begins with its reason; other lines are not reasons
        if let silence { return "\(cause): \(silence)" }
        guard !failedCPUs.isEmpty, let first = console.first.flatMap(ConsoleGrammar.reason) else { return "\(cause)" }
        // of two lines the address is in the second
        let death = ConsoleText(console.joined(separator: "\n")).deaths.first
        return "\(cause): \(death?.reason ?? first.text)"
    }

    /// Bytes. A dump has ten lines, and may be mixed with what others print; what is further back is not looked through: it
    /// takes time before the cell's next command.
    private static let looked = 8 << 10

    /// Lines that are kept without a dump.
    private static let few = 5

    /// The last block, from its first reason on, in which one of these CPUs was parked; where the reason was lost, from
    /// the line on that says so. Without such a block: the last few lines, but none that are about another cell.
    static func lines(of console: String, about cpus: [Int], of cell: String?) -> [String] {
        let lines = lines(of: console)
        let isReason = lines.map { ConsoleGrammar.reason(in: $0) != nil }
        let isGap = lines.map { $0.hasPrefix("<missed ") }
        let beginnings = lines.indices.filter { isGap[$0] || isReason[$0] && ($0 == 0 || !isReason[$0 - 1]) }
        let floor = firstLine(of: cell, in: lines, isGap)
        var others: [Range<Int>] = []
        var blockEnd = lines.endIndex
        for (order, beginning) in beginnings.enumerated().reversed() {
            let block = lines[beginning..<blockEnd]
            let parked = block.compactMap(parkedCPU)
            // an incomplete one does not name another cell
            if beginning >= floor, !cpus.isEmpty,
                parked.isEmpty && !isGap[beginning] || parked.contains(where: cpus.contains)
            {
                var first = beginning
                // the gap is in the middle of it
                if isGap[beginning], order > 0, isReason[beginnings[order - 1]], beginnings[order - 1] >= floor,
                    !lines[beginnings[order - 1]..<beginning].contains(where: { parkedCPU($0) != nil })
                {
                    first = beginnings[order - 1]
                }
                return Array(lines[first..<blockEnd].prefix(40))
            }
            let last = block.lastIndex { parkedCPU($0) != nil } ?? block.endIndex - 1
            if cell == nil || !block[beginning...last].contains(where: { isAbout(cell, $0) }), !isGap[beginning] {
                others.append(beginning..<last + 1)
            }
            blockEnd = beginning
        }
        let own = lines.indices.filter { index in
            index >= floor && !others.contains { $0.contains(index) }
                && !(names(lines[index]) && !isAbout(cell, lines[index]))
        }
        return own.suffix(few).map { lines[$0] }
    }

    /// What is looked through.
    private static func lines(of console: String) -> [String] {
        let end = console.utf8.suffix(looked)
        // the first line may have been cut
        let whole = end.count < console.utf8.count ? end.drop { $0 != UInt8(ascii: "\n") } : end
        return String(decoding: whole, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    }

    private static func lastLines(of console: String, where isOwn: (String) -> Bool) -> [String] {
        lines(of: console).filter(isOwn).suffix(few)
    }

    /// Where the life of the cell's program began that ended: at its last start, or at the one before, since it may have
    /// been started again before the console was read. After a gap the reason may be what was lost: an earlier one is not
    /// taken for it.
    private static func firstLine(of cell: String?, in lines: [String], _ isGap: [Bool]) -> Int {
        guard let cell else { return 0 }
        let starts = lines.indices.filter { lines[$0].hasPrefix("Started cell \"\(cell)\"") }
        guard let last = starts.last else { return 0 }
        if isGap[last...].contains(true) { return last }
        return starts.dropLast().last ?? 0
    }

    /// Whether a line names a cell: `Created cell "x"`, `Cell "x" can be loaded`, `Parking CPU 3 (Cell: "x")`.
    private static func names(_ line: String) -> Bool {
        line.contains("ell \"") || line.contains("Cell: \"")
    }

    private static func isAbout(_ cell: String?, _ line: String) -> Bool {
        guard let cell else { return true }
        return line.contains("ell \"\(cell)\"") || line.contains("Cell: \"\(cell)\"")
    }

    private static func parkedCPU(_ line: String) -> Int? {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.count >= 3, words[0] == "Parking" || words[0] == "Stopping", words[1] == "CPU" else { return nil }
        return Int(words[2])
    }
}
