// SPDX-License-Identifier: Apache-2.0

/// A CPU that the hypervisor took out of use, and what it printed before it did.
package struct Death: Hashable, Sendable {
    package var cpu: Int
    /// Linux's own, if that is the root cell's name.
    package var cell: String
    /// The CPU is gone until the next boot, not only until the cell is started again.
    package var isStopped: Bool
    /// Nil when no line before it is a reason: the text of a second CPU that dies meanwhile is lost.
    package var violation: Violation?
    /// The hypervisor's words for it; of two lines the one with the address first.
    package var reason: String?
    /// Where the instruction is; nil when the dump is not in the text.
    package var programCounter: UInt64?
    /// By the names in the dump, lower case: `rax`, `esr`, `x0`.
    package var registers: [String: UInt64]
}

extension Death {
    /// Of a text that ends before it names the CPU and the cell.
    package init(unfinished violation: Violation, registers: [String: UInt64]) {
        self.init(
            cpu: -1, cell: "", isStopped: false, violation: violation.completed(by: registers),
            programCounter: Self.programCounter(in: registers), registers: registers)
    }
}

/// Everything that a text of the hypervisor's console reports.
package struct ConsoleText: Hashable, Sendable {
    package var deaths: [Death] = []
    package var dmaFaults: [DMAFault] = []
    /// Reasons after which no CPU was parked in this text: it is cut off, or the enable failed.
    package var others: [Violation] = []
    /// Of the last one of ``others``, where its dump is in the text without the line that parks the CPU.
    package var lastRegisters: [String: UInt64] = [:]
    /// The last part that the hypervisor began to initialise, where its enable did not end; nil: none was refused.
    package var refusedEnable: RefusedEnable?
    /// How often the hypervisor gave up waiting for a cell's answer.
    package var timeouts = 0
    /// Bytes that the text says are missing.
    package var missedBytes: UInt64 = 0
    /// Reports of IOMMUs that were lost, in the IOMMU's own words.
    package var lostFaultReports = 0
    /// What parks no CPU and says something all the same, each once.
    package var remarks: [ConsoleRemark] = []

    package init(_ text: String) {
        var reader = ConsoleReader()
        // CR LF, LF, and the CRs of serial consoles in between
        let lines = text.utf8.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        for line in InterruptedLine.mended(lines.map(Array.init)) { reader.take(line, into: &self) }
        if let violation = reader.violation {
            others.append(violation)
            lastRegisters = reader.registers
        }
        refusedEnable = reader.enable
    }
}
