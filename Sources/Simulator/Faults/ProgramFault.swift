// SPDX-License-Identifier: Apache-2.0

/// A fault of the Linux that a program in the machine runs on: a call of the C library that fails, a file system that is
/// slow, or a wall clock that has jumped. Carried out by the library that `jailhouse-sim exec` loads; the device and sysfs always work.
package struct ProgramFault: Hashable, Sendable {
    package enum Call: UInt32, Hashable, Sendable, CaseIterable {
        /// `open` and `openat` of the program's own files.
        case open = 1
        /// `write` to them.
        case write = 2
        case fsync = 3
        case rename = 4
        /// All that gives a new descriptor, also for sysfs: `open`, `opendir`, `socket`, `accept`.
        case descriptor = 5
        case accept = 6
        case socket = 7
        /// `clock_gettime` and the like, for the wall clock.
        case clock = 8

        package var name: String { "\(self)" }

        package init?(name: String) {
            guard let call = Call.allCases.first(where: { $0.name == name }) else { return nil }
            self = call
        }
    }

    package enum Kind: Hashable, Sendable {
        case fails(Refusal)
        /// The wall clock is so much ahead (or behind), until cleared.
        case jumps(Duration)
        /// To open a file for reading takes so long, as on a slow file system.
        case takes(Duration)
    }

    package var call: Call
    package var kind: Kind
    /// The last part of the program's path, at most 23 bytes; nil: every program in the machine.
    package var program: String?
    /// One process only.
    package var process: Int32?
    package var uses: FaultUses

    static let longestName = 23

    /// - Throws: ``SimulatorError`` `fault` for a call that cannot do that, or too long a name.
    package init(
        _ call: Call, _ kind: Kind, program: String? = nil, process: Int32? = nil, uses: FaultUses = FaultUses()
    ) throws(SimulatorError) {
        if let program, program.utf8.count > ProgramFault.longestName || program.isEmpty {
            throw SimulatorError(.fault, "a program's name has 1 to \(ProgramFault.longestName) bytes: \"\(program)\"")
        }
        switch (call, kind) {
        case (.clock, .fails), (.clock, .takes):
            throw SimulatorError(.fault, "the clock does not fail, it jumps: ahead 1h or behind 30s")
        case (.clock, .jumps): break
        case (.open, .takes(let time)) where time > .zero: break
        case (_, .takes):
            throw SimulatorError(.fault, "only open takes time, more than none; \(call.name) fails with an errno")
        case (_, .jumps): throw SimulatorError(.fault, "only the clock jumps; \(call.name) fails with an errno")
        default: break
        }
        self.call = call
        self.kind = kind
        self.program = program
        self.process = process
        self.uses = uses
    }
}

extension ProgramFault: CustomStringConvertible {
    package var description: String {
        let whose = (program ?? "any program") + (process.map { ", process \($0)" } ?? "")
        return switch kind {
        case .fails(let refusal): "\(whose): \(call.name) fails with \(refusal.name), \(uses)"
        case .jumps(let offset) where offset < .zero:
            "\(whose): the wall clock is \(DurationText.text(.zero - offset)) behind"
        case .jumps(let offset): "\(whose): the wall clock is \(DurationText.text(offset)) ahead"
        case .takes(let time): "\(whose): \(call.name) for reading takes \(DurationText.text(time)), \(uses)"
        }
    }
}
