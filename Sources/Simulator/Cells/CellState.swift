/// The word in a cell's communication region that says how it is (include/jailhouse/hypercall.h).
public struct CellState: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static let running = CellState(rawValue: 0)
    public static let runningLocked = CellState(rawValue: 1)
    public static let shutDown = CellState(rawValue: 2)
    public static let failed = CellState(rawValue: 3)
    public static let abiMismatch = CellState(rawValue: 4)
    /// One of the many words that mean nothing.
    public static let unknown = CellState(rawValue: 0x2a)

    /// As the driver writes it in `state`.
    public var text: String {
        switch self {
        case .running: "running"
        case .runningLocked: "running/locked"
        case .shutDown: "shut down"
        case .failed: "failed"
        case .abiMismatch: "Comm ABI mismatch"
        default: "invalid"
        }
    }
}
