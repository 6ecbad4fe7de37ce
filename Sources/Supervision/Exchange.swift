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
    /// - unanswered: an inmate was asked to shut down, or notified of the change, and did not answer in time; Linux was
    ///   stalled for so long.
    case done(unanswered: Duration? = nil)
    case refused(Refusal)
    /// It was not given: the cell was not as it had been any more when its turn came.
    case overtaken
}

/// A request for a cell.
package enum Request: String, Hashable, Sendable {
    case create, start, stop, restart, destroy
}

/// Identifies a request until it is answered; chosen by the caller.
package typealias RequestID = UInt64

/// Why a request failed.
package enum RequestFailure: Error, Hashable, Sendable {
    /// There is no hypervisor to ask.
    case disabled
    /// No usable definition names the cell.
    case foreign
    /// The inmate denied its shutdown for as long as `stop-timeout` says.
    case denied
    /// It would ask an inmate that does not answer, without a time limit: Linux would hang.
    case wouldFreeze
    /// It would have to ask an inmate that another tool started: it is unknown whether it answers, and Linux might freeze.
    case madeByOthers
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
    /// Forget failures and reset the limit; a cell that was given up may be started again.
    case resetFailed
    /// Its definition was read (again), or removed.
    case defined(Supervised?)
    /// The hypervisor is about to be disabled on request: the cell is no longer wanted.
    case released
    /// It was not disabled: unless there was another request meanwhile, the previous goal is restored.
    case retained
    /// While a command for another cell worked, the hypervisor waited in vain for an answer. If the next look shows this
    /// cell failed, it was this one's.
    case unanswered(Unanswered)
    /// The caller of this request no longer waits.
    case withdrawn(RequestID)
    /// The machine ends: the cell is to be stopped, also without a definition if it is known how it answers.
    case ends(RequestID)
    /// A listener, or a caller, says whether the cell gave a sign of life.
    case heard(LifeSign)
}

/// A command during which an inmate did not answer.
package struct Unanswered: Hashable, Sendable, Codable {
    package let command: Command
    /// Whom the command was for; nil: the cell itself.
    package let cell: String?
    /// How long Linux was stalled.
    package let stall: Duration

    package init(command: Command, cell: String?, stall: Duration) {
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
        case .requested, .resetFailed, .defined, .released, .retained, .unanswered, .withdrawn, .ends, .heard: false
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
    /// Answer the caller: done (nil), or the failure.
    case answer(RequestID, RequestFailure?)
    /// Give the hypervisor this command, and the lifecycle an ``Event/finished(_:_:_:)``.
    case run(Command)
}

/// What happened to a cell, for the journal and for watching clients.
package enum Report: Hashable, Sendable {
    case conditionChanged(from: Condition, to: Condition)
    /// It was found in this state when the daemon came, and left as it is.
    case adopted(CellState)
    case failed(FailureCause)
    case restarting(after: Duration, attempt: Int, of: Int)
    case gaveUp(attempts: Int, within: Duration)
    /// It should run, and is left as it is for this reason.
    case leftAlone(RequestFailure)
    /// A start was lost and is repeated.
    case lostStart(attempt: Int)
    /// The images could not be loaded, so the cell is destroyed and created again.
    case recreating(Refusal)
    case shutdownAnswered(ShutdownAnswer)
    /// Some of its CPUs failed; it continues with the others.
    case cpusFailed([Int])
    /// It runs, and gave no sign of life for so long; it is left as it is.
    case silent(after: Duration)
    /// It was silent, and gave a sign of life.
    case alive
    /// Its guest is asked to shut down, and waited for no longer than this.
    case guestAsked(within: Duration)
    /// It did not, and is stopped all the same.
    case guestUnresponsive(after: Duration)
    /// Its operating system ended, so the cell is stopped.
    case guestEnded(GuestEnd)
    /// Another cell of the same name has replaced it.
    case replaced(id: Int)
}
