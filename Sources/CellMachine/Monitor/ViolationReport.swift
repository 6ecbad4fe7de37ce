// SPDX-License-Identifier: Apache-2.0

/// What the monitor wrote down when it parked a CPU, and the hypervisor's lines for it.
package struct ViolationReport: Hashable, Sendable {
    /// What happened; the registers.
    private let reason: [String]
    private let dump: [String]
    /// As the monitor wrote them down.
    let details: [UInt64]

    init(_ violation: X86Violation) {
        reason = violation.reasonLines
        dump = violation.registerLines
        details = violation.details
    }

    init(_ violation: ArmViolation) {
        reason = violation.reasonLines
        dump = violation.registerLines
        details = violation.details
    }

    /// What the hypervisor prints: reason, registers, and `Parking CPU …`.
    ///
    /// - Parameter cpu: the machine's number.
    package func lines(cpu: Int, cell: String) -> [String] {
        reason + dump + ["Parking CPU \(cpu) (Cell: \"\(cell)\")"]
    }

    /// The reason without the mark that it is fatal, for example `Invalid PIO write, port: 70 size: 1`.
    package var summary: String {
        let line = reason.first { !$0.isEmpty } ?? ""
        return line.hasPrefix("FATAL: ") ? String(line.dropFirst(7)) : line
    }
}
