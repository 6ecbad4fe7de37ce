import ArgumentParser
import Simulator

struct Inject: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let something happen in a cell.",
        discussion: """
            fail [VIOLATION], fail-cpu N [VIOLATION]: its CPUs touch what is not theirs; shut-down, give-up: it ends; \
            hang: it answers nothing more; lock, unlock: it must not be disturbed; deny, approve: what it answers \
            to shutdown requests; invalid: it writes a state that means nothing; abi-mismatch; lose-next-start; \
            print TEXT: on the virtual console.

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
