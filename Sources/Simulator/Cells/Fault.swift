// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// What can be done to a cell from outside: `jailhouse-sim inject CELL …`.
package enum Fault: Hashable, Sendable {
    /// All its CPUs touch what is not theirs.
    case fail(Violation)
    case failCPU(Int, Violation)
    /// It ends by itself.
    case shutDown
    /// It gives up by itself: writes `failed` and halts.
    case giveUp
    /// It goes on, but answers nothing any more.
    case hang
    /// It must not be disturbed: writes `running/locked`.
    case lock
    case unlock
    /// It denies shutdown requests from now on, also after a restart.
    case deny
    /// It approves them again.
    case approve
    /// It writes a state that means nothing.
    case writeUnknownState
    /// It finds a communication region of another revision and stops.
    case abiMismatch
    /// Its next start is lost.
    case loseNextStart
    /// It prints a line through the virtual console.
    case print(String)

    /// From the words of a command line, for example `["fail-cpu", "3"]`.
    ///
    /// - Parameter architecture: of the machine; nil: not known, so that the violations of all are taken.
    /// - Throws: ``SimulatorError`` `fault` that says which words there are.
    package init(words: [String], on architecture: Architecture? = nil) throws(SimulatorError) {
        guard let word = words.first else { throw Fault.unknown("") }
        let arguments = words.dropFirst()
        var argument: String? { arguments.first }
        switch word {
        case "fail" where arguments.count <= 1:
            self = .fail(try Fault.violation(argument, on: architecture))
        case "fail-cpu" where (1...2).contains(arguments.count):
            guard let cpu = argument.flatMap(Int.init) else {
                throw SimulatorError(.fault, "fail-cpu needs the number of a CPU, not \"\(argument ?? "")\"")
            }
            self = .failCPU(cpu, try Fault.violation(arguments.dropFirst().first, on: architecture))
        case "print":
            self = .print(arguments.joined(separator: " "))
        default:
            guard let fault = Fault.plain[word] else { throw Fault.unknown(word) }
            guard arguments.isEmpty else { throw SimulatorError(.fault, "\(word) takes nothing more") }
            self = fault
        }
    }

    /// The words that take nothing more.
    private static let plain: [String: Fault] = [
        "shut-down": .shutDown, "give-up": .giveUp, "hang": .hang, "lock": .lock, "unlock": .unlock, "deny": .deny,
        "approve": .approve, "invalid": .writeUnknownState, "abi-mismatch": .abiMismatch,
        "lose-next-start": .loseNextStart,
    ]

    static func violation(_ word: String?, on architecture: Architecture?) throws(SimulatorError) -> Violation {
        guard let word else { return architecture == .arm64 ? .armWrite : .portWrite }
        let possible = Violation.allCases.filter { violation in architecture.map(violation.isPossible) ?? true }
        if let violation = possible.first(where: { $0.rawValue == word }) { return violation }
        let words = possible.map(\.rawValue).joined(separator: ", ")
        guard Violation(rawValue: word) != nil, let architecture else {
            throw SimulatorError(.fault, "no violation is called \"\(word)\"; there are \(words)")
        }
        throw SimulatorError(
            .fault,
            "an \(architecture == .x86 ? "x86" : "Arm64") machine never prints \"\(word)\": it has no such access; there are \(words)"
        )
    }

    private static func unknown(_ word: String) -> SimulatorError {
        let words = (["fail [VIOLATION]", "fail-cpu N [VIOLATION]", "print TEXT"] + plain.keys.sorted())
            .joined(separator: ", ")
        return SimulatorError(.fault, "no fault is called \"\(word)\"; there are \(words)")
    }
}
