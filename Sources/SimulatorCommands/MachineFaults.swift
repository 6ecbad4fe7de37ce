// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Simulator

extension Inject {
    struct Command: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "command",
            abstract: "Make commands to the driver fail or take long.",
            discussion: """
                Example: jailhouse-sim inject command any EINTR --probability 0.1
                Example: jailhouse-sim inject command enable EIO --at ioapic
                """)

        @OptionGroup var machine: MachineOptions

        @Argument(help: ArgumentHelp("One of \(CommandFault.commands.joined(separator: ", ")), any."))
        var command: String

        @Argument(help: "The error, such as EBUSY, or the duration, such as 30s.")
        var what: String

        @Flag(name: .long, help: "After the command has taken effect, instead of before.")
        var after = false

        @Option(help: "Only for this cell.")
        var cell: String?

        @Option(
            help: ArgumentHelp(
                "Of enable: where the hypervisor refuses it: \(EnableStop.allCases.map(\.rawValue).joined(separator: ", ")).",
                valueName: "place"))
        var at: String?

        @OptionGroup var uses: UsesOptions

        private var stop: EnableStop? {
            get throws {
                guard let at else { return nil }
                guard command == "enable", !after else {
                    throw ValidationError("--at is for enable, and not with --after.")
                }
                if let stop = EnableStop(rawValue: at) { return stop }
                throw ValidationError(
                    "No enable stops at \"\(at)\"; there are \(EnableStop.allCases.map(\.rawValue).joined(separator: ", "))."
                )
            }
        }

        func run() throws {
            guard command == "any" || CommandFault.commands.contains(command) else {
                throw ValidationError(
                    "There is no command \"\(command)\"; there are \(CommandFault.commands.joined(separator: ", ")), any."
                )
            }
            let kind: CommandFault.Kind
            if let refusal = Refusal(name: what) {
                kind = .answers(refusal)
            } else if let time = DurationText.duration(what) {
                kind = .takes(time)
            } else {
                throw ValidationError("\"\(what)\" is neither an errno, such as EBUSY, nor a duration, such as 30s.")
            }
            let fault = CommandFault(
                command: command == "any" ? nil : command, cell: cell, after ? .after : .before, kind, uses: uses.uses,
                stop: try stop)
            try ControlCommand.commandFault(fault).send(toMachineAt: try machine.path)
        }
    }

    struct Sysfs: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sysfs",
            abstract: "Make files of sysfs vanish or contain nonsense.",
            discussion: """
                FILE is one of the device's own (\(SysfsFault.machineFiles.joined(separator: ", "))), one of a cell's \
                such as state or statistics/vmexits_total, or "half" for every second file of a cell.

                Example: jailhouse-sim inject sysfs half gone --cell rtems --for 500ms
                """)

        @OptionGroup var machine: MachineOptions

        @Argument(help: "The file, by its path below the device's or the cell's directory.")
        var file: String

        @Argument(help: ArgumentHelp("One of \(SysfsFault.Form.allCases.map(\.rawValue).joined(separator: ", "))."))
        var form: String

        @Option(help: "Only for this cell; by default, for every cell.")
        var cell: String?

        @Option(name: .customLong("for"), help: "Duration, such as 2s; by default, until cleared.")
        var time: String?

        @Option(help: "Until the true contents have changed this many times.")
        var changes: Int?

        func run() throws {
            guard let form = SysfsFault.Form(rawValue: form) else {
                let forms = SysfsFault.Form.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("A file cannot be \"\(form)\"; it can be \(forms).")
            }
            let place: SysfsFault.Place
            if file == "half" {
                place = .half(of: cell)
            } else if cell == nil, SysfsFault.machineFiles.contains(file) {
                place = .machine(file: file)
            } else {
                place = .cell(cell, file: file)
            }
            try ControlCommand.sysfsFault(SysfsFault(place, form, until: try end)).send(toMachineAt: try machine.path)
        }

        private var end: SysfsFault.End {
            get throws {
                switch (time, changes) {
                case (nil, nil): return .cleared
                case (nil, let count?) where count > 0: return .changes(count)
                case (let text?, nil):
                    guard let time = DurationText.duration(text) else {
                        throw ValidationError("--for \(text) is not a duration; examples: 500ms, 2s, 1m.")
                    }
                    return .at(time)
                case (nil, _): throw ValidationError("--changes must be 1 or more.")
                default: throw ValidationError("--for and --changes exclude each other.")
                }
            }
        }
    }

    struct Program: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "program",
            abstract: "Make calls of a program fail or take long, or its wall clock jump.",
            discussion: """
                CALL: open, write, fsync, rename (of the program's own files, not of the device and sysfs); socket, \
                accept; descriptor: any call that returns a new descriptor, including for sysfs; clock: the wall clock, \
                ahead 1h or behind 30s until cleared. Opening files for reading can take time, as on a slow file \
                system: open takes 2s.

                Example: jailhouse-sim inject program jailhoused descriptor EMFILE --times 20
                """)

        @OptionGroup var machine: MachineOptions

        @Argument(help: "The file name of the program, or any.")
        var program: String

        @Argument(help: ArgumentHelp("One of \(ProgramFault.Call.allCases.map(\.name).joined(separator: ", "))."))
        var call: String

        @Argument(help: "An errno such as ENOSPC; for the clock: ahead TIME or behind TIME; for open: takes TIME.")
        var what: [String]

        @Option(help: "Only for this process.")
        var process: Int32?

        @OptionGroup var uses: UsesOptions

        func run() throws {
            guard let call = ProgramFault.Call(name: call) else {
                let calls = ProgramFault.Call.allCases.map(\.name).joined(separator: ", ")
                throw ValidationError("\"\(call)\" cannot fail; these can: \(calls).")
            }
            let kind: ProgramFault.Kind
            if what.count == 1, let refusal = Refusal(name: what[0]) {
                kind = .fails(refusal)
            } else if what.count == 2, ["ahead", "behind"].contains(what[0]), let time = DurationText.duration(what[1])
            {
                kind = .jumps(what[0] == "ahead" ? time : .zero - time)
            } else if what.count == 2, what[0] == "takes", let time = DurationText.duration(what[1]) {
                kind = .takes(time)
            } else {
                throw ValidationError(
                    """
                    "\(what.joined(separator: " "))" is neither an errno, such as ENOSPC, nor a jump, such as ahead \
                    1h, nor a delay, such as takes 2s.
                    """)
            }
            let fault = try ProgramFault(
                call, kind, program: program == "any" ? nil : program, process: process, uses: uses.uses)
            try ControlCommand.programFault(fault).send(toMachineAt: try machine.path)
        }
    }
}

/// How often.
struct UsesOptions: ParsableArguments {
    @Option(help: "How many times; default: once, or with --probability until cleared.")
    var times: Int?

    @Option(help: "Probability (0–1) that it takes effect.")
    var probability = 1.0

    @Flag(help: "Do not limit how often it takes effect.")
    var untilCleared = false

    var uses: FaultUses {
        if untilCleared { return FaultUses(times: nil, probability: probability) }
        return FaultUses(times: times ?? (probability < 1 ? nil : 1), probability: probability)
    }

    func validate() throws {
        guard times.map({ $0 > 0 }) ?? true else { throw ValidationError("--times must be 1 or more.") }
        guard (0...1).contains(probability) else { throw ValidationError("--probability must be from 0 to 1.") }
        guard times == nil || !untilCleared else {
            throw ValidationError("--times and --until-cleared exclude each other.")
        }
    }
}
