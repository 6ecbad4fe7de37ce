public import CellConfiguration

/// What the hypervisor says to a cell through its communication region.
public enum Message: UInt32, Hashable, Sendable {
    case shutdownRequest = 1
    case reconfigurationCompleted = 2
}

/// What a cell answers.
public enum Reply: UInt32, Hashable, Sendable {
    case unknown = 1
    case denied = 2
    case approved = 3
    case received = 4
}

/// What a program does that the hypervisor or Linux can see.
public enum CellEvent: Hashable, Sendable {
    /// It wrote this into its communication region.
    case wroteState(CellState)
    /// The hypervisor parked one of its CPUs.
    case failed(cpu: Int, Violation)
    /// It printed through the virtual console.
    case printed(String)
    /// The hypervisor had to step in.
    case exited(cpu: Int, ExitReason)
}

/// What runs in a cell. The machine tells it what the hypervisor does to the cell, and applies the events that it
/// gives back.
///
/// A scripted program gives its events when it is told something; a program that really executes would also hand
/// them in whenever they happen, by ``Machine/deliver(_:from:)``.
public protocol CellProgram: Sendable {
    /// The hypervisor has reset the cell's CPUs and let them go. The images are in memory.
    mutating func started(as cell: CellDescriptor) -> [CellEvent]
    /// The cell's CPUs have been parked, or are about to be given back.
    mutating func stopped()
    /// The hypervisor waits for the answer, with Linux standing still; nil: there is none.
    mutating func reply(to message: Message) -> Reply?
    /// A fault that someone wants to see.
    ///
    /// - Returns: nil when this program cannot play it.
    mutating func play(_ fault: Fault) -> [CellEvent]?
    /// Whether something runs that could answer or fail.
    var isAlive: Bool { get }
    /// Whether nothing is wrong with what runs.
    var isHealthy: Bool { get }
}

extension CellProgram {
    public var isHealthy: Bool { isAlive }
}
