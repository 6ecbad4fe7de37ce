// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration
package import CellMachine
package import JailhouseInterface

/// What comes of a message.
package enum Answer: Hashable, Sendable {
    case reply(CommunicationRegion.Reply)
    /// It will never answer.
    case silence
    /// It must be sent the message, by ``CellOrder/send(_:)``; ``CellEvent/answered(_:)`` is its reply, or its state that
    /// it has ended instead.
    case pending
}

/// What a program does that the hypervisor or Linux can see.
package enum CellEvent: Hashable, Sendable {
    /// It wrote this into its communication region.
    case wroteState(CellState.Word)
    /// The hypervisor parked one of its CPUs because this was injected.
    case failed(cpu: Int, Violation)
    /// The hypervisor parked one of its CPUs for what its inmate did.
    case parked(cpu: Int, ViolationReport)
    /// A CPU will be parked for that as soon as a debugger lets it go on: the hypervisor says nothing of it yet.
    case held(cpu: Int, ViolationReport)
    /// Characters that came through the virtual console.
    case printed(String)
    /// A line of the hypervisor's about it.
    case noted(String)
    /// The hypervisor had to step in.
    case exited(cpu: Int, ExitReason)
    /// How often it had to since the cell was created, each CPU.
    case counted([Int: ExitStatistics])
    /// It replied to the message that is pending.
    case answered(CommunicationRegion.Reply)
    /// One of the orders that are waited for has been carried out: see ``CellOrder/isAwaited``.
    case ready
    /// What executes it is gone, or cannot begin: why.
    case ended(String)
}

/// What is to be done to an inmate that executes: an effect, carried out outside of the machine, in the order in which
/// a cell's orders and images come.
package enum CellOrder: Hashable, Sendable {
    /// QEMU is started before it is needed.
    case prepare
    case start(run: Int)
    case stop
    /// The CPUs stop, which is not the machine's doing.
    case pause
    case send(CommunicationRegion.Message)
    /// Into its communication region.
    case write(CellState.Word)
    /// QEMU ends.
    case end

    /// Whether commands to the driver wait until it has been carried out, which ``CellEvent/ready`` says.
    package var isAwaited: Bool {
        switch self {
        case .start, .stop, .end: true
        case .prepare, .pause, .send, .write: false
        }
    }
}

/// What comes of something that is done to a program.
package struct CellReaction: Hashable, Sendable {
    /// What happens at once.
    package var events: [CellEvent] = []
    package var orders: [CellOrder] = []
}

/// What runs in a cell: a value. The machine tells it what the hypervisor does to the cell, applies the events that it
/// gives back, and has its orders carried out; what comes of those is handed in by ``Machine/deliver(_:from:run:)``.
package protocol CellProgram: Sendable {
    /// The hypervisor knows the cell now.
    mutating func created() -> [CellOrder]
    /// An image is on its way into the cell's memory. - Returns: whether ``CellEvent/ready`` says when it is there.
    mutating func stored() -> Bool
    /// The hypervisor has reset the cell's CPUs and let them go. The images are in memory by then.
    mutating func started(as cell: CellDescriptor) -> CellReaction
    /// The cell's CPUs have been parked, or are about to be given back.
    mutating func stopped() -> [CellOrder]
    /// The cell is gone, or never came to be.
    mutating func destroyed() -> [CellOrder]
    /// The hypervisor waits for the answer, and Linux with it.
    func answer(to message: CommunicationRegion.Message) -> Answer
    /// A fault that someone wants to see.
    ///
    /// - Returns: nil when this program cannot play it: see ``obstacle(to:)``.
    mutating func play(_ fault: Fault) -> CellReaction?
    /// Why a fault cannot be played although something executes; nil: nothing in particular.
    func obstacle(to fault: Fault) -> String?
    /// Looks at an event before the machine does. - Returns: whether it counts.
    mutating func accepts(_ event: CellEvent, run: Int) -> Bool
    /// Whether something runs that could answer or fail.
    var isAlive: Bool { get }
    /// Whether nothing is wrong with what runs.
    var isHealthy: Bool { get }
    /// Whether an order that is waited for has not been carried out; commands to the driver take so much longer.
    var isBusy: Bool { get }
    /// Whether it executes what is in memory, however it got there. Otherwise it does not come up without a load.
    var runsWhatIsThere: Bool { get }
}

extension CellProgram {
    package mutating func created() -> [CellOrder] { [] }
    package mutating func stored() -> Bool { false }
    package mutating func destroyed() -> [CellOrder] { [] }
    package func obstacle(to fault: Fault) -> String? { nil }
    package mutating func accepts(_ event: CellEvent, run: Int) -> Bool { true }
    package var isHealthy: Bool { isAlive }
    package var isBusy: Bool { false }
    package var runsWhatIsThere: Bool { false }
}
