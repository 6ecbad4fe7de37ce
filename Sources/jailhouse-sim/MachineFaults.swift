// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Simulator

extension Inject {
    struct Command: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let commands to the driver fail, or take long.",
            discussion: """
                Example: jailhouse-sim inject command any EINTR --probability 0.1
                """)

        @OptionGroup var machine: MachineOptions

        @Argument(help: ArgumentHelp("One of \(CommandFault.commands.joined(separator: ", ")), any."))
        var command: String

        @Argument(help: "What it answers, such as EBUSY; or how long it takes, such as 30s.")
        var what: String

        @Flag(name: .long, help: "When all has been done, instead of before anything is.")
        var after = false

        @Option(help: "Only for the cell of this name.")
        var cell: String?

        @OptionGroup var uses: UsesOptions

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
                throw ValidationError("\"\(what)\" is neither the name of an errno, as EBUSY, nor a time, as 30s.")
            }
            let fault = CommandFault(
                command: command == "any" ? nil : command, cell: cell, after ? .after : .before, kind, uses: uses.uses)
            try ControlCommand.commandFault(fault).send(toMachineAt: try machine.path)
        }
    }

    struct Sysfs: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let files of sysfs vanish, or say nonsense.",
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

        @Option(help: "The cell; otherwise it is every cell's file.")
        var cell: String?

        @Option(name: .customLong("for"), help: "How long, such as 2s; otherwise until cleared.")
        var time: String?

        @Option(help: "Until what it should say has changed so often.")
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
                        throw ValidationError("--for \(text) is no time; say it as 500ms, 2s or 1m.")
                    }
                    return .at(time)
                case (nil, _): throw ValidationError("--changes must be 1 or more.")
                default: throw ValidationError("Say --for or --changes, not both.")
                }
            }
        }
    }

    struct Program: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let calls of a program fail or take long, or its wall clock jump.",
            discussion: """
                CALL: open, write, fsync, rename (of the program's own files, never of the device and sysfs); \
                socket, accept; descriptor: all that gives a new one, also for sysfs, as EMFILE means it; clock: the \
                wall clock, which is then ahead 1h or behind 30s, until cleared. To open files for reading can take \
                time, as on a slow file system: open takes 2s.

                Example: jailhouse-sim inject program jailhoused descriptor EMFILE --times 20
                """)

        @OptionGroup var machine: MachineOptions

        @Argument(help: "The program's file name, or any.")
        var program: String

        @Argument(help: ArgumentHelp("One of \(ProgramFault.Call.allCases.map(\.name).joined(separator: ", "))."))
        var call: String

        @Argument(help: "An errno such as ENOSPC; for the clock: ahead TIME or behind TIME; for open: takes TIME.")
        var what: [String]

        @Option(help: "Only in this process.")
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
                    "\(what.joined(separator: " "))" is neither the name of an errno, as ENOSPC, nor a jump, as ahead \
                    1h, nor a time, as takes 2s.
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
    @Option(help: "How often; otherwise once, or with --probability until cleared.")
    var times: Int?

    @Option(help: "Of happening when it could, 0 to 1.")
    var probability = 1.0

    @Flag(help: "Again and again.")
    var untilCleared = false

    var uses: FaultUses {
        if untilCleared { return FaultUses(times: nil, probability: probability) }
        return FaultUses(times: times ?? (probability < 1 ? nil : 1), probability: probability)
    }

    func validate() throws {
        guard times.map({ $0 > 0 }) ?? true else { throw ValidationError("--times must be 1 or more.") }
        guard (0...1).contains(probability) else { throw ValidationError("--probability must be from 0 to 1.") }
        guard times == nil || !untilCleared else { throw ValidationError("Say --times or --until-cleared, not both.") }
    }
}
