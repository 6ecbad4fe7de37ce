// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// What the fleet must know of a cell's definition.
package struct FleetDefinition: Hashable, Sendable {
    package var supervised: Supervised
    package var dependencies: Dependencies

    package init(_ supervised: Supervised, dependencies: Dependencies = Dependencies()) {
        self.supervised = supervised
        self.dependencies = dependencies
    }
}

/// A system configuration that the hypervisor can be enabled with.
package struct FleetSystem: Hashable, Sendable {
    package var path: String
    /// Linux's CPUs in it, ascending.
    package var cpus: [Int]

    package init(path: String, cpus: [Int]) {
        self.path = path
        self.cpus = cpus
    }
}

/// A client's request to the fleet.
package enum FleetRequest: Hashable, Sendable {
    /// With everything that its dependencies entail.
    case cell(Request, String)
    /// - system: nil for the configured one.
    case enable(FleetSystem?)
    /// - others: cells without a definition may be destroyed with it.
    case disable(others: Bool)
    /// Stop all cells as far as that cannot stall Linux, and disable the hypervisor; within 0 to 600 s.
    case shutDownAll(within: Duration)
}

/// Everything that a ``Fleet`` can learn.
package enum FleetEvent: Hashable, Sendable {
    case looked(Look)
    /// The work that was given to the driver ended, and this is what the look after it showed.
    case finished(DriverEnd, Look)
    case requested(FleetRequest, RequestID)
    /// Forget failures, of one cell or of all.
    case resetFailed(String?)
    /// A cell's definition was read (again), or was removed.
    case defined(String, FleetDefinition?)
    /// The images of a cell have been read, after ``FleetAction/readImages(of:decidedOn:)``, or cannot be.
    case imagesRead(String, Refusal?)
    /// The system configuration that `enable` uses.
    case configured(FleetSystem?)
    /// CPUs that the hypervisor took: they never leave it, and a disable waits for them.
    case lostCPUs(LostCPUs)
    /// A listener, or a caller, says whether a cell gave a sign of life.
    case heard(String, LifeSign)
    /// The daemon exits. Cells are left as they are.
    case ending
}

/// One thing that the driver is to do. It has one lock, so there is one at a time.
package enum DriverWork: Hashable, Sendable {
    /// - decidedOn: what the cell showed when the command was decided on.
    case command(Command, of: String, decidedOn: Sighting?)
    case enable(FleetSystem)
    case disable
}

package enum DriverEnd: Hashable, Sendable {
    case command(Outcome)
    /// Nil for done.
    case machine(MachineRefusal?)
    /// The command was not given to the driver: the cells had changed.
    case overtaken
}

/// Why the hypervisor was not enabled or disabled.
package struct MachineRefusal: Error, Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case noDriver, disabled, enabled, configuration, other
    }

    package var kind: Kind
    /// A sentence that says what and what to do.
    package var message: String
    /// The kernel's errno; 0 if it was not called or succeeded.
    package var errno: Int32
    /// Whether trying again later may succeed: it is neither the configuration nor the hypervisor's file.
    package var isPassing: Bool

    package init(kind: Kind = .other, message: String, errno: Int32 = 0, isPassing: Bool = false) {
        self.kind = kind
        self.message = message
        self.errno = errno
        self.isPassing = isPassing
    }
}

/// What a ``Fleet`` wants done, in this order.
package enum FleetAction: Hashable, Sendable {
    /// Keep what the hypervisor printed and the statistics, before anything is repaired.
    case keepEvidence(FailureCause, of: String)
    case report(Report, of: String)
    case machine(MachineReport)
    case answer(RequestID, FleetAnswer)
    /// A request did this to another cell than the one that it names.
    case note(DependencyOrder.Step, of: RequestID, FleetFailure?)
    /// Read the images of a cell for a load, beside the driver; ``FleetEvent/imagesRead(_:_:)`` ends it.
    case readImages(of: String, decidedOn: Sighting?)
    /// Give the driver this, once what a successor must know is written; its end comes back as
    /// ``FleetEvent/finished(_:_:)``.
    case give(DriverWork)
}

package enum FleetAnswer: Hashable, Sendable {
    /// - unanswered: how long Linux was stalled because the inmate did not answer its shutdown request; it was stopped
    ///   all the same.
    case done(unanswered: Duration? = nil)
    case failed(FleetFailure)
    case shutDown(ShutDownResult)
}

/// What became of shutting all cells down.
package struct ShutDownResult: Hashable, Sendable {
    package struct Left: Hashable, Sendable {
        package let cell: String
        package let reason: FleetFailure
    }

    /// In the order in which they were stopped.
    package var stopped: [String] = []
    package var left: [Left] = []
    /// Cells without a definition that ran no more, and were destroyed when the hypervisor was disabled.
    package var destroyed: [String] = []
    /// Why the hypervisor is not disabled; nil when it is.
    package var notDisabled: FleetFailure?

    package init(
        stopped: [String] = [], left: [Left] = [], destroyed: [String] = [], notDisabled: FleetFailure? = nil
    ) {
        self.stopped = stopped
        self.left = left
        self.destroyed = destroyed
        self.notDisabled = notDisabled
    }
}

/// What happened to the machine, for the journal.
package enum MachineReport: Hashable, Sendable {
    /// The hypervisor is seen enabled, or disabled, and was not before.
    case seen(isEnabled: Bool)
    /// - despite: the driver said that it failed.
    case enabled(FleetSystem, despite: MachineRefusal?)
    case disabled(despite: MachineRefusal?)
    /// An enable failed.
    ///
    /// - isAnswered: a client asked for it, and is told.
    case notEnabled(FleetFailure, isAnswered: Bool, retry: Duration?)
    /// A cell waits for others before it is brought up.
    case waits(String, WaitReason)
}

/// Why a request was not carried out.
package indirect enum FleetFailure: Error, Hashable, Sendable {
    case noDriver
    case notEnabled
    case alreadyEnabled
    /// No system is configured.
    case noSystem
    /// It is being enabled or disabled already.
    case machineBusy(isEnabling: Bool)
    /// All cells are being shut down already.
    case beingShutDown
    /// All cells are being shut down: nothing is started.
    case shuttingDown(cell: String?)
    case daemonEnds(cell: String?)
    case noSuchCell(String)
    case cell(String, RequestFailure)
    /// The inmate rejects the shutdown request and runs on.
    case deniesShutdown(String)
    /// What the cell requires can never come up by itself.
    case waitsInVain(String, WaitReason)
    /// A step of a request for another cell failed.
    /// - isDone: the request itself was carried out before.
    /// - left: cells that were stopped for it and could not be started again.
    case step(
        Request, of: String, isDone: Bool, DependencyOrder.Step, FleetFailure,
        left: [ShutDownResult.Left])
    /// It is unknown whether this cell answers, and disabling would ask it.
    case unknownAnswer(cell: String, to: MachineCommand)
    /// Cells without a definition would be destroyed.
    case othersDestroyed([String])
    /// Disabling would wait for them indefinitely.
    case lostCPUs(LostCPUs)
    /// Linux's CPUs are not those of the system configuration.
    case otherCPUs(system: FleetSystem, online: [Int])
    case machine(MachineCommand, MachineRefusal)
    /// It was not done by its deadline; it may still be done.
    case timedOut(cell: String?)
    /// It was not begun by its deadline, and is not done.
    case notBegun
}

package enum MachineCommand: String, Hashable, Sendable {
    case enable, disable
}

/// What a cell waits for before it is brought up.
package enum WaitReason: Hashable, Sendable, CustomStringConvertible {
    /// The other one is on its way.
    case waits(other: String, Condition)
    /// It will not come up without intervention.
    case requires(other: String, Why)
    /// The next command would notify this cell, which may never answer; no client has requested the command.
    case danger(Danger)

    package enum Why: String, Hashable, Sendable {
        case gaveUp = "gave up"
        case notToRun = "is not to run"
        case declaredFailed = "is declared failed and is not restarted"
        case waitsInVain = "cannot start either"
        case undefined = "has no definition"
    }

    /// Whether it lasts until an operator deals with another cell.
    package var isHopeless: Bool { if case .waits = self { false } else { true } }

    package var description: String {
        switch self {
        case .waits(let other, let condition): "waits for \(other), which is \(condition.rawValue)"
        case .requires(let other, .undefined): "requires \(other), which has no definition: write one"
        case .danger(let danger): "waits: \(danger)"
        case .requires(let other, let why): "requires \(other), which \(why.rawValue): jailhouse-ctl start \(other)"
        }
    }
}
