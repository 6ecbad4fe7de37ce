import ArgumentParser
import Simulator

struct Inject: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let something go wrong: in a cell, or in the machine.",
        discussion: """
            jailhouse-sim inject rtems fail
            jailhouse-sim inject command start EBUSY --times 2
            jailhouse-sim inject command load 30s --after --cell rtems
            jailhouse-sim inject sysfs state empty --cell rtems --for 2s
            jailhouse-sim inject program jailhoused write ENOSPC --until-cleared
            jailhouse-sim inject program jailhoused clock ahead 1h
            jailhouse-sim inject other-tool replace rtems intruder
            jailhouse-sim inject clear

            What is in force is shown by jailhouse-sim state. A cell that is called as one of the subcommands is \
            meant with: inject cell NAME.
            """,
        subcommands: [Cell.self, Command.self, Sysfs.self, Program.self, OtherTool.self, Clear.self],
        defaultSubcommand: Cell.self
    )

    struct Cell: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let something happen in a cell.",
            discussion: """
                fail [VIOLATION], fail-cpu N [VIOLATION]: its CPUs touch what is not theirs; shut-down, give-up: it \
                ends; hang: it answers nothing more; lock, unlock: it must not be disturbed; deny, approve: what it \
                answers to shutdown requests; invalid: it writes a state that means nothing; abi-mismatch; \
                lose-next-start; print TEXT: on the virtual console.

                Example: jailhouse-sim inject rtems fail-cpu 3 msr-write
                """
        )

        @OptionGroup var machine: MachineOptions

        @Argument(help: "The cell's name.")
        var cell: String

        @Argument(help: "The fault, and what it needs.")
        var fault: [String]

        func run() throws {
            // a word that is wrong is worth no connection
            _ = try Fault(words: fault)
            try ControlCommand.inject(cell: cell, words: fault).send(toMachineAt: try machine.path)
        }
    }

    struct OtherTool: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "other-tool",
            abstract: "Let another tool change cells in one moment, so that nobody sees the machine in between.",
            discussion: """
                destroy CELL; shut-down CELL; restart CELL: loads what was loaded last, and starts it; recreate CELL: \
                destroys it and creates it anew, stopped, with the same number if that is the lowest; replace CELL \
                NAME: another cell of the same hardware takes its number; swap CELL CELL: each gets the other's \
                number; disable; enable: with the system that was last in force. Several are separated by commas; the \
                first that is refused ends it.

                Example: jailhouse-sim inject other-tool disable, enable
                """)

        @OptionGroup var machine: MachineOptions

        @Argument(help: "What it does.")
        var steps: [String]

        func run() throws {
            _ = try OtherToolStep.steps(words: steps)
            try ControlCommand.otherTool(steps).send(toMachineAt: try machine.path)
        }
    }

    struct Clear: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End all faults but those in cells; what they have done stays done.")

        @OptionGroup var machine: MachineOptions

        func run() throws {
            try ControlCommand.clear.send(toMachineAt: try machine.path)
        }
    }
}

struct Thaw: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a frozen machine go on, which no real one does.")

    @OptionGroup var machine: MachineOptions

    func run() throws {
        try ControlCommand.thaw.send(toMachineAt: try machine.path)
    }
}

struct Linux: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change something in the machine's Linux.",
        subcommands: [CPU.self, Firmware.self]
    )

    struct CPU: ParsableCommand {
        enum State: String, ExpressibleByArgument, CaseIterable {
            case online, offline
        }

        static let configuration = CommandConfiguration(
            commandName: "cpu", abstract: "Take a CPU off line, or on line again.")

        @OptionGroup var machine: MachineOptions
        @Argument var number: Int
        @Argument var state: State

        func run() throws {
            try ControlCommand.cpu(number, online: state == .online).send(toMachineAt: try machine.path)
        }
    }

    struct Firmware: ParsableCommand {
        enum State: String, ExpressibleByArgument, CaseIterable {
            case present, missing
        }

        static let configuration = CommandConfiguration(
            abstract: "Remove the hypervisor's firmware file, or put it back.")

        @OptionGroup var machine: MachineOptions
        @Argument var state: State

        func run() throws {
            try ControlCommand.firmware(present: state == .present).send(toMachineAt: try machine.path)
        }
    }
}
