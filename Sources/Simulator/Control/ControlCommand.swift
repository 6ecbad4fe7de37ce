// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What can be said to a machine that is being served, besides using it.
package enum ControlCommand: Hashable, Sendable {
    case state
    case inject(cell: String, words: [String])
    case thaw
    /// Linux takes one of its CPUs off line, or on line again.
    case cpu(Int, online: Bool)
    /// Whether Linux has the hypervisor's firmware file.
    case firmware(present: Bool)
    case commandFault(CommandFault)
    /// Its end is so long after now, not since the machine was switched on.
    case sysfsFault(SysfsFault)
    case programFault(ProgramFault)
    case otherTool([String])
    /// What happens to Linux: see ``LinuxFault``.
    case linux([String])
    /// The driver's lock is held for so long.
    case holdLock(Duration)
    /// Linux goes down: the driver's own hook.
    case reboot
    /// Another tool disables the hypervisor, in the time that this takes.
    case otherDisable
    /// Ends all faults but those in cells.
    case clear

    /// As words; the first is its kind.
    var words: [String] {
        switch self {
        case .state: ["state"]
        case .inject(let cell, let words): ["inject", cell] + words
        case .thaw: ["thaw"]
        case .cpu(let number, let online): ["cpu", String(number), online ? "online" : "offline"]
        case .firmware(let present): ["firmware", present ? "present" : "missing"]
        case .commandFault(let fault): ["fault-command"] + fault.words
        case .sysfsFault(let fault): ["fault-sysfs"] + fault.words
        case .programFault(let fault): ["fault-program"] + fault.words
        case .otherTool(let words): ["other-tool"] + words
        case .linux(let words): ["root"] + words
        case .holdLock(let time): ["hold", DurationText.text(time)]
        case .reboot: ["reboot"]
        case .otherDisable: ["other-disable"]
        case .clear: ["clear"]
        }
    }

    init?(words: [String]) {
        let arguments = Array(words.dropFirst())
        switch (words.first, words.count) {
        case ("state", 1): self = .state
        case ("inject", 3...): self = .inject(cell: words[1], words: Array(words[2...]))
        case ("thaw", 1): self = .thaw
        case ("cpu", 3):
            guard let number = Int(words[1]) else { return nil }
            self = .cpu(number, online: words[2] == "online")
        case ("firmware", 2): self = .firmware(present: words[1] == "present")
        case ("fault-command", _):
            guard let fault = CommandFault(words: arguments) else { return nil }
            self = .commandFault(fault)
        case ("fault-sysfs", _):
            guard let fault = SysfsFault(words: arguments) else { return nil }
            self = .sysfsFault(fault)
        case ("fault-program", _):
            guard let fault = ProgramFault(words: arguments) else { return nil }
            self = .programFault(fault)
        case ("other-tool", 2...): self = .otherTool(arguments)
        case ("root", 2...): self = .linux(arguments)
        case ("hold", 2):
            guard let time = DurationText.duration(words[1]) else { return nil }
            self = .holdLock(time)
        case ("reboot", 1): self = .reboot
        case ("other-disable", 1): self = .otherDisable
        case ("clear", 1): self = .clear
        default: return nil
        }
    }
}

extension SimulatedMachine {
    /// Does what a command says.
    ///
    /// - Returns: the machine as it is afterwards.
    @discardableResult
    package func perform(_ command: ControlCommand) throws(SimulatorError) -> MachineReport {
        switch command {
        case .state: break
        case .inject(let cell, let words): try inject(try Fault(words: words, on: architecture), into: cell)
        case .thaw: thaw()
        case .cpu(let number, let online):
            try change { (machine) throws(SimulatorError) in try machine.setCPU(number, online: online) }
        case .firmware(let present): change { $0.hasFirmware = present }
        case .commandFault(let fault):
            try change { (machine) throws(SimulatorError) in
                try fault.check(in: machine.settings)
                machine.inject(fault)
            }
        case .sysfsFault(var fault):
            change { machine in
                if case .at(let time) = fault.end { fault.end = .at(machine.now + time) }
                machine.inject(fault)
            }
        case .programFault(let fault): try inject(fault)
        case .otherTool(let words):
            try doBehindTheBack(try OtherToolStep.steps(words: words))
        case .linux(let words):
            let fault = try LinuxFault(words: words, on: architecture)
            try change { (machine) throws(SimulatorError) in try machine.inject(fault) }
        case .holdLock(let time): change { $0.holdLock(for: time) }
        case .reboot: change { $0.reboot() }
        case .otherDisable: change { $0.disableByOtherTool() }
        case .clear: clearFaults()
        }
        return MachineReport(machine, programFaults: programFaults)
    }

    private var architecture: Architecture { machine.settings.architecture }
}
