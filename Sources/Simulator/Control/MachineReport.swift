import FoundationEssentials

/// How a machine is, for people and scripts: `jailhouse-sim state`.
public struct MachineReport: Codable, Hashable, Sendable {
    public struct Cell: Codable, Hashable, Sendable {
        public var id: Int
        public var name: String
        /// The text of `state` in sysfs.
        public var state: String
        public var cpus: [Int]
        public var failedCPUs: [Int]
        /// What Linux cannot see: whether an inmate executes.
        public var executes: Bool
        public var starts: Int
        public var lostStarts: Int
    }

    public var enabled: Bool
    /// Why the machine hangs; nil: it does not.
    public var frozen: String?
    /// Milliseconds since it was switched on.
    public var uptime: Int
    public var onlineCPUs: [Int]
    public var cells: [Cell]
    /// What is wrong besides what happens in cells, a sentence each.
    public var faults: [String]

    public init(_ machine: Machine, programFaults: [ProgramFault] = []) {
        faults = machine.faults.descriptions + programFaults.map { "program: \($0)" }
        enabled = machine.isEnabled
        frozen = machine.freeze.map(\.description)
        let (seconds, attoseconds) = machine.now.components
        uptime = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        onlineCPUs = machine.onlineCPUs.sorted()
        cells = machine.cells.map {
            Cell(
                id: $0.id, name: $0.name, state: $0.state.text, cpus: $0.cpus.sorted(),
                failedCPUs: $0.failedCPUs.sorted(), executes: $0.isRoot || $0.isAlive, starts: $0.starts,
                lostStarts: $0.lostStarts)
        }
    }
}

extension MachineReport {
    /// As one JSON object with sorted keys.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
