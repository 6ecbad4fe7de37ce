// SPDX-License-Identifier: Apache-2.0

import FailureReports

/// What a violation means, in a report.
struct ExplanationReport: Encodable {
    let summary: String
    @JSON.OrNull var entry: String?
    let advice: String

    init(_ explanation: Explanation) {
        summary = explanation.summary
        entry = explanation.entry
        advice = explanation.advice
    }

    /// Lines that each begin with a line break.
    func text(indentation: Int) -> String {
        let space = "\n" + String(repeating: " ", count: indentation)
        var text = space + "meaning: " + Text.printable(summary)
        if let entry {
            text += space + "entry that would allow it:"
            for line in entry.split(separator: "\n") { text += space + "    " + Text.printable(String(line)) }
        }
        return text + space + "advice: " + Text.printable(advice)
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

    /// - Parameter rootCell: the root cell's name: what Linux did itself is explained as such; nil: it is not known.
    init(_ text: ConsoleText, rootCell: String?) {
        entries =
            text.deaths.map { death in
                Entry(
                    cpu: death.cpu, cell: death.cell,
                    programCounter: death.programCounter.map { "0x" + String($0, radix: 16) },
                    isStopped: death.isStopped,
                    explanation: death.violation.map {
                        ExplanationReport($0.explanation(isRootCell: death.cell == rootCell))
                    })
            } + text.others.map { Entry(explanation: ExplanationReport($0.explanation())) }
            + text.dmaFaults.map { Entry(explanation: ExplanationReport($0.explanation)) }
    }

    var text: String { entries.map(\.text).joined(separator: "\n\n") }
}

extension ConsoleReport.Entry {
    fileprivate var text: String {
        var parts: [String] = []
        if let cpu, let cell {
            let place = programCounter.map { " at \($0)" } ?? ""
            let what = isStopped ? "stopped until the next boot" : "parked"
            parts.append("CPU \(cpu) of the cell \(Text.printable(cell)) was \(what)\(place).")
        }
        guard let explanation else {
            return (parts + ["The text has no reason for it; the reason is lost if two CPUs fail at the same time."])
                .joined(separator: "\n")
        }
        let lines = explanation.text(indentation: 0).dropFirst()
        return (parts + [String(lines)]).joined(separator: "\n")
    }
}
