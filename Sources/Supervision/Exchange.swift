// SPDX-License-Identifier: Apache-2.0

package import JailhouseInterface

/// One command to the hypervisor.
package enum Command: String, Hashable, Sendable, Codable {
    case create
    /// Load the cell's images.
    case load
    case start
    /// Load no image at all, which is how a cell is shut down.
    case shutDown = "shutdown"
    case destroy
}

/// How a command ended.
package enum Outcome: Hashable, Sendable {
    /// It took effect, as a look at sysfs confirmed.
    /// - unanswered: an inmate was asked to shut down, or told of the change, and did not answer in time; Linux was
    ///   stalled for so long.
    case done(unanswered: Duration? = nil)
    case refused(Refusal)
    /// It was not given: the cell was not as it had been any more when its turn came.
    case overtaken
}

/// What somebody asks for a cell.
package enum Request: String, Hashable, Sendable {
    case create, start, stop, restart, destroy
}

/// Names a request until it is answered; chosen by whoever asks.
package typealias RequestID = UInt64

/// Why a request was not fulfilled.
package enum RequestFailure: Error, Hashable, Sendable {
    /// There is no hypervisor to ask.
    case disabled
    /// No usable definition names the cell.
    case foreign
    /// The inmate denied its shutdown for as long as `stop-timeout` says.
    case denied
    /// It would have to ask an inmate that does not answer, without a time limit: Linux would freeze.
    case wouldFreeze
    /// A later request wants something else.
    case superseded(by: Request)
    /// The cell did not come up.
    case failed(FailureCause)
    case refused(Command, Refusal)
}

/// Everything that a ``CellLifecycle`` can learn.
package enum Event: Hashable, Sendable {
    case seen(Sighting)
    /// The command in flight ended, and this is what the look after it showed.
    case finished(Command, Outcome, Sighting)
    case requested(Request, RequestID)
    /// Forget failures, so that the limit counts anew; a cell that was given up may be started again.
    case resetFailed
    /// Its definition was read (again), or went.
    case defined(Supervised?)
    /// The hypervisor is about to be disabled at somebody's request: nothing is wanted any more.
    case released
    /// It was not disabled: what nobody has asked for anything else meanwhile is wanted as before.
    case retained
    /// While a command for another cell worked, the hypervisor waited in vain for an answer. If the next look shows this
    /// cell failed, it was this one's.
    case unanswered(Unanswered)
    /// Whoever made this request does not wait any more.
    case withdrawn(RequestID)
    /// The machine ends: the cell is to be stopped, also without a definition if it is known how it answers.
    case ends(RequestID)
}

/// A command of another cell, during which an inmate did not answer.
package struct Unanswered: Hashable, Sendable, Codable {
    package let command: Command
    /// Whom the command was for.
    package let cell: String
    /// How long Linux was stalled.
    package let stall: Duration

    package init(command: Command, cell: String, stall: Duration) {
        self.command = command
        self.cell = cell
        self.stall = stall
    }
}

extension Event {
    /// Whether it says how things are now.
    var isLook: Bool {
        switch self {
        case .seen, .finished: true
        case .requested, .resetFailed, .defined, .released, .retained, .unanswered, .withdrawn, .ends: false
        }
    }
}

/// What the lifecycle must know of a cell's definition.
package struct Supervised: Hashable, Sendable {
    package var policy: SupervisionPolicy
    package var handshake: Handshake

    package init(policy: SupervisionPolicy, handshake: Handshake) {
        self.policy = policy
        self.handshake = handshake
    }
}

/// What a ``CellLifecycle`` wants done, in this order.
package enum Action: Hashable, Sendable {
    /// Keep what the hypervisor printed and the statistics, before anything is repaired.
    case keepEvidence(FailureCause)
    case report(Report)
    /// Tell whoever asked: done (nil), or why not.
    case answer(RequestID, RequestFailure?)
    /// Give the hypervisor this command, and the lifecycle an ``Event/finished(_:_:_:)``.
    case run(Command)
}

/// What happened to a cell, for the journal and for whoever watches.
package enum Report: Hashable, Sendable {
    case conditionChanged(from: Condition, to: Condition)
    /// It was found in this state when the daemon came, and left as it is.
    case adopted(CellState)
    case failed(FailureCause)
    case restarting(after: Duration, attempt: Int, of: Int)
    case gaveUp(attempts: Int, within: Duration)
    /// A start was lost and is repeated.
    case lostStart(attempt: Int)
    /// The images could not be loaded, so the cell is destroyed and created anew.
    case recreating(Refusal)
    case shutdownAnswered(ShutdownAnswer)
    /// Some of its CPUs failed; it goes on with the others.
    case cpusFailed([Int])
    /// Another cell of the same name stands there now.
    case replaced(id: Int)
}
