// SPDX-License-Identifier: Apache-2.0

import FailureReports

/// What a violation means, in a report.
struct ExplanationReport: Encodable {
    let summary: String
    /// Where in the program; nil without its symbols.
    @JSON.OrNull var place: String?
    let notes: [String]
    @JSON.OrNull var entry: String?
    let advice: String
    @JSON.OrNull var rule: String?

    init(_ explanation: Explanation) {
        summary = explanation.summary
        place = explanation.place?.text
        notes = explanation.notes
        entry = explanation.entry
        advice = explanation.advice
        rule = explanation.rule
    }

    /// Lines that each begin with a line break.
    func text(_ style: Style = .plain, indentation: Int) -> String {
        let space = "\n" + String(repeating: " ", count: indentation)
        func prose(_ text: String, deeper: Int = 0) -> String {
            style.lines(Text.printable(text), indentation: indentation + deeper).map { "\n" + $0 }.joined()
        }
        var text = prose("meaning: " + summary)
        for note in notes { text += prose(note, deeper: 2) }
        if let place { text += prose("place: " + place) }
        if let entry {
            text += space + "entry that would allow it:"
            for line in entry.split(separator: "\n", omittingEmptySubsequences: false) {
                text += line.isEmpty ? "\n" : space + "    " + Text.printable(String(line))
            }
        }
        text += prose("advice: " + advice)
        if let rule { text += space + "rule: \(rule) of 'jailhouse-ctl check' says so" }
        return text
    }
}

/// What `explain` says of lines of the hypervisor's console.
struct ConsoleReport: Encodable {
    struct Entry: Encodable {
        /// Nil where no CPU was parked.
        @JSON.OrNull var cpu: Int?
        @JSON.OrNull var cell: String?
        @JSON.OrNull var programCounter: String?
        /// The CPU is gone until the next boot.
        var isStopped = false
        @JSON.OrNull var explanation: ExplanationReport?
    }

    let entries: [Entry]
    /// What does not fit together, or is missing; a sentence each.
    private let warnings: [String]
    private var title: String?
    /// One of them is so.
    private var areAlternatives = false

    private enum CodingKeys: CodingKey { case entries }

    /// - Parameter rootCell: the root cell's name: what Linux did itself is explained as such; nil: it is not known.
    init(_ text: ConsoleText, rootCell: String?, files: DumpFiles = DumpFiles()) {
        let linux = rootCell.map { [$0] } ?? Self.rootCells(in: text)
        // it may be Linux itself, or a Linux in a cell
        let strangers = text.deaths.filter {
            !linux.contains($0.cell) && (files.cells.isEmpty || files.doubt(about: $0.cell) != nil)
        }
        let kernels = Set(
            strangers.filter { !$0.isStopped && $0.programCounter ?? 0 >= 0xffff_0000_0000_0000 }.map(\.cell))
        var entries = text.deaths.map { death in
            var explanation = files.explanation(of: death, rootCell: linux.contains(death.cell) ? death.cell : nil)
            if kernels.contains(death.cell) { explanation.entry = nil }
            return Entry(
                cpu: death.cpu, cell: death.cell,
                programCounter: death.programCounter.map { "0x" + String($0, radix: 16) }, isStopped: death.isStopped,
                explanation: ExplanationReport(explanation))
        }
        if let violation = text.others.last, !text.lastRegisters.isEmpty {
            // a dump that is cut off before the line that names CPU and cell
            let death = Death(unfinished: violation, registers: text.lastRegisters)
            entries.append(
                Entry(
                    programCounter: death.programCounter.map { "0x" + String($0, radix: 16) },
                    explanation: ExplanationReport(files.explanation(of: death, rootCell: nil))))
        }
        let known = files.surroundings(of: nil)
        let unfinished = text.lastRegisters.isEmpty ? text.others : text.others.dropLast()
        var others = unfinished.map { $0.explanation(in: known) } + text.faultExplanations { _ in known }
        if text.lostFaultReports > 0 { others.append(DMAFault.lostReports) }
        if text.timeouts > 0, let condition = ConditionPage.named("no answer") {
            others.append(condition.explanation.naming(onlyOf: known.findings))
        }
        // what is locked is explained by its own line
        if let enable = text.refusedEnable, enable.lock == nil {
            others.append(enable.explanation(in: known))
        }
        others += text.remarks.map(\.explanation)
        entries += others.map { Entry(explanation: ExplanationReport($0)) }
        self.entries = entries
        let missed = text.missedBytes > 0 ? ["\(text.missedBytes) bytes of the console are missing from the text."] : []
        let names = Set(text.deaths.map(\.cell)).sorted()
        let assumed = rootCell == nil ? linux : []
        warnings =
            missed
            + assumed.map {
                "CPU 0 of an x86 machine is always Linux's, so \"\($0)\" is taken for the root cell; --root-cell \($0) says so."
            }
            + kernels.sorted().map {
                "The instruction is one of a Linux kernel: if \"\($0)\" is the root cell, --root-cell '\($0)' explains it as Linux's own."
            }
            + names.filter { !linux.contains($0) }.flatMap {
                [files.doubt(about: $0)].compactMap(\.self) + files.programWarnings(of: $0)
            }
    }

    /// The cells that can only be Linux's: no other cell of an x86 machine may have CPU 0.
    private static func rootCells(in text: ConsoleText) -> [String] {
        Set(text.deaths.filter { $0.cpu == 0 && $0.registers["rip"] != nil }.map(\.cell)).sorted()
    }

    /// Of what is no text of a console.
    ///
    /// - Parameter title: what is said above several of them.
    init(_ explanations: [Explanation], title: String? = nil) {
        entries = explanations.map { Entry(explanation: ExplanationReport($0)) }
        warnings = []
        areAlternatives = entries.count > 1 && title != nil
        self.title = areAlternatives ? title : nil
    }

    func text(_ style: Style) -> String {
        let parts = entries.enumerated().map { index, entry in
            (areAlternatives ? "\(index + 1).\n" : "") + entry.text(style)
        }
        let heads = ([title].compactMap(\.self) + warnings).map {
            style.lines(Text.printable($0)).joined(separator: "\n")
        }
        return (heads + parts).joined(separator: "\n\n")
    }
}

extension DumpFiles {
    /// What happened, with the place in the program.
    func explanation(of death: Death, rootCell: String?) -> Explanation {
        let isRootCell = death.cell == rootCell
        var explanation = death.explanation(
            isRootCell: isRootCell, in: surroundings(of: death.cell, isRootCell: isRootCell))
        guard !isRootCell else { return explanation }
        explanation.place = place(of: death, withInstruction: true)
        if let caller = caller(of: death) { explanation.notes.append("The last return address is in \(caller).") }
        let instruction = explanation.place?.instruction ?? instruction(of: death)
        guard let instruction else { return explanation }
        if explanation.place == nil { explanation.notes.insert("The instruction is \"\(instruction)\".", at: 0) }
        if death.violation == .tripleFault,
            let (address, operand) = MemoryOperand.address(in: instruction, death.registers)
        {
            explanation.notes.append(
                "Its operand \(operand) is the address 0x\(String(address, radix: 16)): the page tables must map it, and nothing says that "
                    + "they do.")
        }
        return explanation
    }
}

extension ConsoleReport.Entry {
    fileprivate func text(_ style: Style) -> String {
        var parts: [String] = []
        if let cpu, let cell {
            let place = programCounter.map { " at \($0)" } ?? ""
            let what = isStopped ? "stopped until the next boot" : "parked"
            parts.append("CPU \(cpu) of the cell \(Text.printable(cell)) was \(what)\(place).")
        }
        if let lines = explanation?.text(style, indentation: 0).dropFirst() { parts.append(String(lines)) }
        return parts.joined(separator: "\n")
    }
}
