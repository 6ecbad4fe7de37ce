package import CellConfiguration
package import CellMachine

/// What the hypervisor says to a cell through its communication region.
package enum Message: UInt32, Hashable, Sendable {
    case shutdownRequest = 1
    case reconfigurationCompleted = 2
}

/// What a cell answers.
package enum Reply: UInt32, Hashable, Sendable {
    case unknown = 1
    case denied = 2
    case approved = 3
    case received = 4
}

/// What comes of a message.
package enum Answer: Hashable, Sendable {
    case reply(Reply)
    /// It will never answer.
    case silence
    /// It has been told; ``CellEvent/answered(_:)`` says what it replied, or its state that it has ended instead.
    case pending
}

/// What a program does that the hypervisor or Linux can see.
package enum CellEvent: Hashable, Sendable {
    /// It wrote this into its communication region.
    case wroteState(CellState)
    /// The hypervisor parked one of its CPUs.
    case failed(cpu: Int, Violation)
    /// The same, with what the hypervisor says about it: the reason first.
    case parked(cpu: Int, lines: [String])
    /// Characters that came through the virtual console.
    case printed(String)
    /// A line of the hypervisor's about it.
    case noted(String)
    /// The hypervisor had to step in.
    case exited(cpu: Int, VMExit)
    /// How often it had to since the cell was created, each CPU.
    case counted([Int: ExitStatistics])
    /// It replied to the message that is pending.
    case answered(Reply)
    /// What it was told to do last is done: see ``CellProgram/isBusy``.
    case ready
    /// What executes it is gone, or cannot begin: why.
    case ended(String)
}

/// What runs in a cell. The machine tells it what the hypervisor does to the cell, and applies the events that it
/// gives back.
///
/// A scripted program gives its events when it is told something; a program that really executes also hands them in
/// whenever they happen, by ``Machine/deliver(_:from:run:)``.
package protocol CellProgram: Sendable {
    /// The hypervisor knows the cell now.
    mutating func created()
    /// The hypervisor has reset the cell's CPUs and let them go. The images are in memory.
    mutating func started(as cell: CellDescriptor) -> [CellEvent]
    /// The cell's CPUs have been parked, or are about to be given back.
    mutating func stopped()
    /// The cell is gone, or never came to be.
    mutating func destroyed()
    /// The hypervisor waits for the answer, with Linux standing still.
    mutating func answer(to message: Message) -> Answer
    /// A fault that someone wants to see.
    ///
    /// - Returns: nil when this program cannot play it: see ``obstacle(to:)``.
    mutating func play(_ fault: Fault) -> [CellEvent]?
    /// Why a fault cannot be played although something executes; nil: nothing in particular.
    func obstacle(to fault: Fault) -> String?
    /// Looks at an event before the machine does. - Returns: whether it counts.
    mutating func accepts(_ event: CellEvent, run: Int) -> Bool
    /// Whether something runs that could answer or fail.
    var isAlive: Bool { get }
    /// Whether nothing is wrong with what runs.
    var isHealthy: Bool { get }
    /// Whether it is still doing what it was told; commands to the driver take so much longer.
    var isBusy: Bool { get }
    /// Whether it executes what is in memory, whoever put it there. Else it does not come up without a load.
    var runsWhatIsThere: Bool { get }
}

extension CellProgram {
    package mutating func created() {}
    package mutating func destroyed() {}
    package func obstacle(to fault: Fault) -> String? { nil }
    package mutating func accepts(_ event: CellEvent, run: Int) -> Bool { true }
    package var isHealthy: Bool { isAlive }
    package var isBusy: Bool { false }
    package var runsWhatIsThere: Bool { false }
}
