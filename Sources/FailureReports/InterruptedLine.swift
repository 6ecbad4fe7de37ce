// SPDX-License-Identifier: Apache-2.0

/// Reasons whose line other text interrupted: the kernel's own line on the same serial port, or a mail that was wrapped.
enum InterruptedLine {
    /// The same lines, and a reason that goes on in the next one as one line.
    static func mended(_ lines: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var index = lines.startIndex
        while index < lines.endIndex {
            let line = lines[index]
            let next = index + 1 < lines.endIndex ? lines[index + 1] : nil
            if let whole = joined(line, with: next) {
                result.append(whole)
                index += 2
            } else {
                result.append(line)
                index += 1
            }
        }
        return result
    }

    private static let beginnings = WordFilter([
        "FATAL: ", "Unhandled ", "Invalid ", "testdev: ", "Attempt ", "ERROR: ",
    ])

    private static let verdicts = WordFilter(["Parking CPU", "Stopping CPU", "Cell state", "Hypervisor state"])

    private static let stops = WordFilter(["Parking CPU", "Stopping CPU"])
    private static let stop = LinePattern("CPU {d} (Cell: \"{q}\")")

    /// A line that names CPU and cell, or a register, and goes on in the next one.
    private static func joinedAtBlank(_ line: [UInt8], with next: [UInt8]) -> [UInt8]? {
        let whole = line + [UInt8(ascii: " ")] + next
        if stops.isOne(in: line) { return stop.match(line) == nil && stop.match(whole) != nil ? whole : nil }
        guard line.last == UInt8(ascii: ":") else { return nil }
        let text = String(decoding: line, as: UTF8.self)
        let more = DumpRegisters.found(in: String(decoding: whole, as: UTF8.self)).count
        return more > DumpRegisters.found(in: text).count
            + DumpRegisters.found(in: String(decoding: next, as: UTF8.self)).count
            ? whole : nil
    }

    /// Nil where both are lines of their own.
    private static func joined(_ line: [UInt8], with next: [UInt8]?) -> [UInt8]? {
        let blank = UInt8(ascii: " ")
        guard let next = next.map(withoutQuoteMarks) else { return nil }
        if let whole = joinedAtBlank(line, with: next) { return whole }
        guard beginnings.isOne(in: line + [blank]) else { return nil }
        let cut = kernelText(in: line)
        let head = cut.map { Array(line[..<$0]) } ?? line
        // the kernel cuts anywhere, mails at blanks, terminals at their last column
        let wholes = [head + next, head + [blank] + next]
        guard ConsoleGrammar.reason(in: next) == nil,
            let whole = (cut == nil ? wholes.reversed() : wholes).first(where: ConsoleGrammar.isKnown)
        else { return nil }
        guard ConsoleGrammar.isKnown(head) else { return whole }
        // what is whole already, or says more with the next line
        let isDump = !DumpRegisters.found(in: String(decoding: next, as: UTF8.self)).isEmpty || verdicts.isOne(in: next)
        let isSame = ConsoleGrammar.reason(in: whole)?.violation == ConsoleGrammar.reason(in: head)?.violation
        return isDump || isSame ? nil : whole
    }

    /// Of a mail that answers another one: `> 40, size: 4`.
    private static func withoutQuoteMarks(_ line: [UInt8]) -> [UInt8] {
        let rest = line.drop { $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: " ") }
        return line.first == UInt8(ascii: ">") ? Array(rest) : line
    }

    /// Where the kernel's line begins, by its time: `[   77.123456] `; nil: it does not, or only at the beginning.
    private static func kernelText(in line: [UInt8]) -> Int? {
        for start in line.indices.dropFirst() where line[start] == UInt8(ascii: "[") {
            let time = line[(start + 1)...].drop { $0 == UInt8(ascii: " ") }
            let digits = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
            let seconds = time.prefix(while: digits)
            let rest = time.dropFirst(seconds.count)
            guard !seconds.isEmpty, rest.first == UInt8(ascii: ".") else { continue }
            let end = rest.dropFirst().drop(while: digits)
            if end.first == UInt8(ascii: "]") { return start }
        }
        return nil
    }
}
