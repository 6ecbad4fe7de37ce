// SPDX-License-Identifier: Apache-2.0

import FailureReports

/// A line of the hypervisor's console.
struct ConsoleLine: Encodable {
    @JSON.OrNull var at: String?
    /// The cell that it is about, as far as the line or the dump that it belongs to names one.
    @JSON.OrNull var cell: String?
    let text: String

    /// An inmate ends its lines with CR LF, the hypervisor its own with LF.
    var isFromInmate = false
    var time: Moment?

    private enum CodingKeys: CodingKey {
        case at, cell, text
    }

    init(_ text: some StringProtocol, time: Moment? = nil, isFromInmate: Bool = false) {
        self.text = String(text)
        self.time = time
        self.isFromInmate = isFromInmate
        at = time?.rfc3339
        cell = Self.cell(namedIn: self.text)
    }

    /// Bytes of the console that nobody has read.
    var isGap: Bool { text.hasPrefix("<missed ") }

    func text(withTime: Bool, _ style: Style, zone: Moment.Zone = .local) -> String {
        let line = Text.printable(text)
        return withTime ? style(time?.time(zone) ?? "-", .dim) + "  " + line : line
    }

    /// `Created cell "x"`, `Cell "x" can be loaded`, `Parking CPU 3 (Cell: "x")`.
    private static func cell(namedIn line: String) -> String? {
        for mark in ["cell \"", "Cell \"", "Cell: \""] {
            guard let start = line.firstRange(of: mark)?.upperBound, let end = line[start...].lastIndex(of: "\"") else {
                continue
            }
            return String(line[start..<end])
        }
        return nil
    }
}

/// Makes lines of text that comes in pieces.
struct ConsoleLines {
    private var rest = ""
    private var restTime: Moment?

    /// Adds text; returns the lines that are complete.
    mutating func take(_ text: String, time: Moment?) -> [ConsoleLine] {
        var lines: [ConsoleLine] = []
        // CR LF is one character
        for character in text {
            if rest.isEmpty { restTime = time }
            switch character {
            case "\n", "\r\n":
                let isFromInmate = character == "\r\n" || rest.hasSuffix("\r")
                let line = rest.hasSuffix("\r") ? rest.dropLast() : rest[...]
                lines.append(ConsoleLine(line, time: restTime, isFromInmate: isFromInmate))
                rest = ""
            default: rest.append(character)
            }
        }
        return lines
    }

    /// The line that has not ended; nothing if there is none.
    mutating func end() -> [ConsoleLine] {
        guard !rest.isEmpty else { return [] }
        defer { rest = "" }
        return [ConsoleLine(rest, time: restTime)]
    }
}

/// Chooses the lines about one cell.
///
/// Only the last line of a dump names the cell: a dump is kept back until then.
struct ConsoleFilter {
    let cell: String
    /// What inmates print is this cell's: no other may use the virtual console.
    let takesInmateLines: Bool
    private var dump: [ConsoleLine] = []

    /// A dump has about ten lines; the text of others may be mixed in.
    private static let longestDump = 60

    init(cell: String, takesInmateLines: Bool) {
        self.cell = cell
        self.takesInmateLines = takesInmateLines
    }

    mutating func take(_ line: ConsoleLine) -> [ConsoleLine] {
        if line.isGap { return end() + [line] }
        if let reason = ConsoleGrammar.reason(in: line.text), reason.text.isEmpty == false {
            // two lines may be one reason
            if !dump.isEmpty, dump.contains(where: { ConsoleGrammar.reason(in: $0.text) == nil }) { dump = [] }
            dump.append(line)
            return []
        }
        guard !dump.isEmpty else { return isWanted(line) ? [line] : [] }
        let ends = line.text.hasPrefix("Parking CPU") || line.text.hasPrefix("Stopping CPU")
        guard ends || dump.count >= Self.longestDump else {
            if let other = line.cell { return other == cell ? [line] : [] }
            dump.append(line)
            return []
        }
        defer { dump = [] }
        guard line.cell == cell else { return [] }
        return (dump + [line]).map { line in
            var line = line
            line.cell = cell
            return line
        }
    }

    /// What was kept back and belongs to no cell is not shown.
    mutating func end() -> [ConsoleLine] {
        dump = []
        return []
    }

    private func isWanted(_ line: ConsoleLine) -> Bool {
        line.cell == cell || takesInmateLines && line.cell == nil && line.isFromInmate
    }
}
