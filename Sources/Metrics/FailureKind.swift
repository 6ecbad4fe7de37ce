// SPDX-License-Identifier: Apache-2.0

/// What a failure was, as a label: few words, whatever an inmate does.
package enum FailureKind: String, CaseIterable, Sendable {
    case violation
    case cpuViolation = "cpu-violation"
    case declared
    case abiMismatch = "abi-mismatch"
    case invalidState = "invalid-state"
    case vanished
    case replaced
    case lostStart = "lost-start"
    case stalled
    case silent
    case panic
    case reboot
    case ended
    case refused
    case noAnswer = "no-answer"
    case unverified
    /// The hypervisor itself failed on a CPU of the cell.
    case hypervisor
    case other

    /// - Parameter reason: the daemon's sentence, which may be followed by the hypervisor's.
    package init(reason: String) {
        let words: [(String, FailureKind)] = [
            ("the inmate declared itself failed", .declared),
            ("the inmate does not know this revision", .abiMismatch),
            ("the inmate wrote an unknown state", .invalidState), ("it was destroyed by another", .vanished),
            ("another tool replaced it", .replaced), ("its start was lost", .lostStart),
            ("it made no VM exit", .stalled), ("it gave no sign of life", .silent), ("its Linux panicked", .panic),
            ("its Linux asked for a reboot", .reboot), ("its Linux shut down", .ended), ("it shut itself down", .ended),
            ("it did not answer", .noAnswer), ("the hypervisor itself failed", .hypervisor),
            ("its exit counters cannot be read", .unverified),
        ]
        if let found = words.first(where: { reason.hasPrefix($0.0) }) {
            self = found.1
        } else if reason.hasPrefix("CPU") {
            self = reason.contains("the cell continues without") ? .cpuViolation : .violation
        } else {
            let commands = ["create", "load", "start", "shutDown", "shutdown", "destroy"]
            self = commands.contains { reason.hasPrefix($0 + " was refused") } ? .refused : .other
        }
    }
}
