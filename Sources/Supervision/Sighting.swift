/// What one look at the hypervisor showed of one cell.
public enum Sighting: Hashable, Sendable {
    /// The hypervisor is not enabled (or its driver is not there): no cell can exist.
    case disabled
    /// The hypervisor runs and has no cell of this name.
    case absent
    case present(Observation)

    public var observation: Observation? {
        if case .present(let observation) = self { observation } else { nil }
    }
}

/// A cell as sysfs shows it.
public struct Observation: Hashable, Sendable {
    /// The hypervisor's number for the cell. Numbers are used again: a cell is known by its number *and* name.
    public var id: Int
    public var state: CellState
    /// CPUs that are parked after a violation, ascending.
    public var failedCPUs: [Int]
    /// `vmexits_management` of each of the cell's CPUs, in the order of the CPUs; nil when it was not read.
    public var managementExits: [UInt64]?
    /// `vmexits_total` of the cell; nil when it was not read.
    public var totalExits: UInt64?

    public init(
        id: Int, state: CellState, failedCPUs: [Int] = [], managementExits: [UInt64]? = nil, totalExits: UInt64? = nil
    ) {
        self.id = id
        self.state = state
        self.failedCPUs = failedCPUs
        self.managementExits = managementExits
        self.totalExits = totalExits
    }
}

/// Which statistics the next look should include; each costs reads, so none is taken without need.
public struct Curiosity: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// ``Observation/managementExits``
    public static let managementExits = Curiosity(rawValue: 1)
    /// ``Observation/totalExits``
    public static let totalExits = Curiosity(rawValue: 2)
}
