// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Simulator

struct Inject: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inject",
        abstract: "Inject a fault into a cell or the machine.",
        discussion: """
            jailhouse-sim inject rtems fail
            jailhouse-sim inject command start EBUSY --times 2
            jailhouse-sim inject command load 30s --after --cell rtems
            jailhouse-sim inject sysfs state empty --cell rtems --for 2s
            jailhouse-sim inject program jailhoused write ENOSPC --until-cleared
            jailhouse-sim inject program jailhoused clock ahead 1h
            jailhouse-sim inject other-tool replace rtems intruder
            jailhouse-sim inject other-tool foreign 'odd\\xff' silent
            jailhouse-sim inject --root touch request-irq
            jailhouse-sim inject lock 3s
            jailhouse-sim inject clear

            jailhouse-sim state shows the faults in force. If a cell's name is also a subcommand, use: inject cell NAME.
            """,
        subcommands: [
            Cell.self, Command.self, Sysfs.self, Program.self, OtherTool.self, Lock.self, Clear.self,
        ],
        defaultSubcommand: Cell.self
    )

    struct Cell: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cell",
            abstract: "Inject a fault into a cell.",
            discussion: """
                fail [VIOLATION], fail-cpu N [VIOLATION]: a forbidden access by all CPUs, or by CPU N; shut-down, \
                give-up: the inmate ends in the state "shut down" or "failed"; hang: it stops answering; lock, unlock: \
                the states "running/locked" and "running"; deny, approve: its answer to shutdown requests; invalid: an \
                unknown state; abi-mismatch; lose-next-start; print TEXT: on the virtual console.

                With --root, in Linux: touch PORT|request-irq|cursor|serial: Linux uses a port, and if a cell has it, \
                the CPU is parked for good; fail-cpu N [VIOLATION]; hypervisor N FAILURE: the hypervisor itself fails on CPU \
                N; dma-fault DEVICE ADDRESS [read|write]: an IOMMU drops an access of a device; iommu-overflow log|hardware: an AMD \
                IOMMU reports that reports were lost. A wrong VIOLATION or \
                FAILURE prints those that there are.

                Example: jailhouse-sim inject rtems fail-cpu 3 msr-write
                """
        )

        @OptionGroup var machine: MachineOptions

        @Flag(help: "Inject it into Linux instead of a cell.")
        var root = false

        @Argument(help: "The cell's name; not with --root.")
        var cell: String

        @Argument(help: "The fault and its arguments.")
        var fault: [String]

        func run() throws {
            guard !root else {
                let words = [cell] + fault
                _ = try LinuxFault(words: words)
                try ControlCommand.linux(words).send(toMachineAt: try machine.path)
                return
            }
            // a word that is wrong is worth no connection
            _ = try Fault(words: fault)
            try ControlCommand.inject(cell: cell, words: fault).send(toMachineAt: try machine.path)
        }
    }

    struct OtherTool: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "other-tool",
            abstract: "Change cells as another tool would, in one step that no program can observe in between.",
            discussion: """
                destroy CELL; shut-down CELL; restart CELL: loads the previous images and starts it; recreate CELL: \
                destroys and creates it, stopped, with the same number if that is the lowest; replace CELL \
                NAME: another cell of the same hardware takes its number; swap CELL CELL: each gets the other's \
                number; foreign NAME answering|denying|silent|stopped [CPU]: a cell of its own, whose name can have \
                bytes such as \\xff, or be nameless; disable; enable: with the system that was last in force. Several \
                are separated by commas; the first that is refused ends it, and the exit status is 1. While a command has \
                the driver's lock, it is done later.

                Example: jailhouse-sim inject other-tool disable, enable
                """)

        @OptionGroup var machine: MachineOptions

        @Flag(help: "Not in one moment, but in the time that it takes; for disable only.")
        var slowly = false

        @Argument(help: "What it does.")
        var steps: [String]

        func run() throws {
            if slowly {
                guard steps == ["disable"] else { throw ValidationError("--slowly is for disable only.") }
                try ControlCommand.otherDisable.send(toMachineAt: try machine.path)
                return
            }
            _ = try OtherToolStep.steps(words: steps)
            try ControlCommand.otherTool(steps).send(toMachineAt: try machine.path)
        }
    }

    struct Lock: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lock",
            abstract: "Hold the driver's lock, as a command of another tool does.",
            discussion: """
                Commands wait for it, and so do reads of console, mem_pool_* and remap_pool_*.

                Example: jailhouse-sim inject lock 3s
                """)

        @OptionGroup var machine: MachineOptions

        @Argument(help: "How long, such as 500ms.")
        var time: String

        func run() throws {
            guard let time = DurationText.duration(time) else {
                throw ValidationError("\(time) is not a duration; examples: 500ms, 2s, 1m.")
            }
            try ControlCommand.holdLock(time).send(toMachineAt: try machine.path)
        }
    }

    struct Clear: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clear",
            abstract: "End all faults except those in cells; their effects remain.")

        @OptionGroup var machine: MachineOptions

        func run() throws {
            try ControlCommand.clear.send(toMachineAt: try machine.path)
        }
    }
}

struct Thaw: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thaw",
        abstract: "Let a frozen machine continue, which a real one cannot.")

    @OptionGroup var machine: MachineOptions

    func run() throws {
        try ControlCommand.thaw.send(toMachineAt: try machine.path)
    }
}

struct Linux: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "linux",
        abstract: "Change something in the machine's Linux.",
        subcommands: [CPU.self, Firmware.self, Reboot.self]
    )

    struct Reboot: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reboot",
            abstract: "Reboot Linux; the driver's reboot hook disables the hypervisor.",
            discussion: "The driver disables the hypervisor first, and asks all cells for that.")

        @OptionGroup var machine: MachineOptions

        func run() throws {
            try ControlCommand.reboot.send(toMachineAt: try machine.path)
        }
    }

    struct CPU: ParsableCommand {
        enum State: String, ExpressibleByArgument, CaseIterable {
            case online, offline
        }

        static let configuration = CommandConfiguration(
            commandName: "cpu", abstract: "Take a CPU offline or online.")

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
            commandName: "firmware",
            abstract: "Remove or restore the hypervisor's firmware file.")

        @OptionGroup var machine: MachineOptions
        @Argument var state: State

        func run() throws {
            try ControlCommand.firmware(present: state == .present).send(toMachineAt: try machine.path)
        }
    }
}
