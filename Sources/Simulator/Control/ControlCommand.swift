/// What can be said to a machine that is being served, besides using it.
public enum ControlCommand: Hashable, Sendable {
    case state
    case inject(cell: String, words: [String])
    case thaw
    /// Linux takes one of its CPUs off line, or on line again.
    case cpu(Int, online: Bool)
    /// Whether Linux has the hypervisor's firmware file.
    case firmware(present: Bool)

    /// As words; the first tells which it is.
    var words: [String] {
        switch self {
        case .state: ["state"]
        case .inject(let cell, let words): ["inject", cell] + words
        case .thaw: ["thaw"]
        case .cpu(let number, let online): ["cpu", String(number), online ? "online" : "offline"]
        case .firmware(let present): ["firmware", present ? "present" : "missing"]
        }
    }

    init?(words: [String]) {
        switch (words.first, words.count) {
        case ("state", 1): self = .state
        case ("inject", 3...): self = .inject(cell: words[1], words: Array(words[2...]))
        case ("thaw", 1): self = .thaw
        case ("cpu", 3):
            guard let number = Int(words[1]) else { return nil }
            self = .cpu(number, online: words[2] == "online")
        case ("firmware", 2): self = .firmware(present: words[1] == "present")
        default: return nil
        }
    }
}

extension SimulatedMachine {
    /// Does what a command says.
    ///
    /// - Returns: the machine as it is afterwards.
    @discardableResult
    public func perform(_ command: ControlCommand) throws(SimulatorError) -> MachineReport {
        switch command {
        case .state: break
        case .inject(let cell, let words): try inject(try Fault(words: words), into: cell)
        case .thaw: thaw()
        case .cpu(let number, let online):
            try change { (machine) throws(SimulatorError) in try machine.setCPU(number, online: online) }
        case .firmware(let present): change { $0.hasFirmware = present }
        }
        return MachineReport(machine)
    }
}
