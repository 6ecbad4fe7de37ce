// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ControlInterface
import ControlServer
import Hypervisor
import JailhouseInterface
import Logging
import NIOCore
import NIOPosix
import Supervision

/// The shell around the ``Fleet``, which decides: looks, gives the driver its work on another thread, keeps evidence and
/// the state file, writes the journal, answers clients.
///
/// It lives on an event loop of its own, which gives it timers finer than a millisecond. What may block for long (the
/// driver's commands, reading images and definitions) runs on other threads; nothing here waits for it.
actor Supervisor {
    nonisolated let eventLoop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    let logger: Logger
    let hypervisor: HypervisorCommands
    let commandThread: NIOThreadPool
    /// Reads definitions again.
    let reloadThread = NIOThreadPool(numberOfThreads: 1)
    /// Checks definitions for clients: a check takes long, and any user may request one.
    let checkThread = NIOThreadPool(numberOfThreads: 1)
    let files: DefinitionFiles
    let view: HypervisorView
    let serviceManager = ServiceManager()

    var settings: LoadedDefinitions
    var fleet = Fleet([:], memory: nil, at: Clock.now())
    var book = CellBook()
    var record: StateRecord
    var journal: Journal
    var lastReload: Task<Manager.Reload.Reply, Never>?
    /// One that has not begun.
    var waitingReload: Task<Manager.Reload.Reply, Never>?
    var driverClaim = DriverClaim.pending
    var lostCPUs = LostCPUs()
    var lockedFiles: LockedFiles?
    /// By cell.
    var evidence: [String: PendingEvidence] = [:]
    var lastReading = 0
    var imageReadings = ImageReadings()
    /// Something changed since the service manager was told how things are.
    var hasNews = true
    private var asked: [RequestID: Asked] = [:]
    private var lastRequest: RequestID = 0
    private var timer: Scheduled<Void>?
    private var nextPoll: Moment

    /// A request that somebody waits for.
    struct Asked {
        let request: FleetRequest
        let peer: Peer?
        let continuation: CheckedContinuation<FleetAnswer, Never>
    }

    init(
        eventLoop: any EventLoop, commandThread: NIOThreadPool, hypervisor: HypervisorCommands, files: DefinitionFiles,
        stateFile: StateFile, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.commandThread = commandThread
        self.hypervisor = hypervisor
        self.files = files
        self.logger = logger
        record = StateRecord(file: stateFile, logger: logger)
        journal = Journal(logger: logger)
        var filesAtStart = files
        filesAtStart.judgingTime = .seconds(2)
        settings = filesAtStart.load()
        view = HypervisorView(directory: hypervisor.sysfs)
        nextPoll = Clock.now()
        reloadThread.start()
        checkThread.start()
    }

    /// Takes up what an earlier daemon knew, looks for the first time and goes on looking.
    ///
    /// - Parameter onlyToEnd: nothing is wanted of the hypervisor and the cells but their end.
    /// - Throws: ``StartError`` when there are no descriptors or no memory to read with. Without definitions, or
    ///   without what an earlier daemon knew, nothing good could be done; who starts the daemon tries again.
    func begin(onlyToEnd: Bool = false) throws(StartError) {
        if let shortage = settings.problems.first(where: \.isShortage) { throw StartError(shortage.message) }
        let memory = try record.read()
        try watchLockedFiles()
        book.begin(settings, failures: record.failures)
        journal.tell(settings)
        let definitions = settings.definitions.map { ($0.name, FleetDefinition($0)) }
        fleet = Fleet(
            Dictionary(definitions) { first, _ in first }, system: settings.system.map { book.known($0) },
            memory: memory,
            onlyToEnd: onlyToEnd, readsImages: true, at: Clock.now())
        if onlyToEnd { driverClaim = .notNeeded }
        _ = look()
        try claimDriver()
        poll()
    }

    /// Tells the service manager that clients are served.
    func isReady() {
        serviceManager.isReady()
    }

    /// Leaves the cells as they are and stops looking.
    func end() {
        timer?.cancel()
        handle(.ending, at: Clock.now())
        endEvidence()
        lockedFiles = nil
        imageReadings.end()
        journal.watchers.finish()
        saveState()
    }

    /// One pass: looks at everything, lets the fleet decide, and sets the time of the next pass.
    func poll() {
        guard !fleet.isEnding else { return }
        let now = Clock.now()
        let look = look()
        claimDriverOrExit()
        handle(.looked(look), at: now)
        book.prune(fleet)
        imageReadings.prune(fleet)
        saveState()
        serviceManager.isAlive(at: now)
        if hasNews {
            serviceManager.tell(fleet.summary)
            hasNews = false
        }
        if now >= nextPoll { nextPoll = max(nextPoll + settings.settings.pollInterval, now) }
        arm(at: now)
    }

    func look() -> Look {
        view.look(onlineCPUs: fleet.wantsOnlineCPUs) { fleet.curiosity($0) }
        return view.lastLook
    }

    /// Wakes the loop when the fleet wants to be woken, at the latest when the poll interval is over.
    func arm(at now: Moment) {
        timer?.cancel()
        guard !fleet.isEnding else { return }
        let next = fleet.nextWake(after: now).map { min($0, nextPoll) } ?? nextPoll
        let pause = max(next - now, .microseconds(200))
        timer = eventLoop.scheduleTask(in: .nanoseconds(pause.wholeNanoseconds)) {
            self.assumeIsolated { $0.poll() }
        }
    }

    /// Gives the fleet an event and does what it wants done.
    func handle(_ event: FleetEvent, at now: Moment) {
        let actions = fleet.handle(event, at: now)
        guard !actions.isEmpty else { return }
        hasNews = true
        for action in actions {
            switch action {
            case .keepEvidence(let cause, let name): keepEvidence(cause, of: name)
            case .report(let report, let name): announce(report, of: name)
            case .machine(let report):
                if case .enabled(let system, _) = report {
                    settings.system = book.systems[system.path]
                    record.isEndedWithMachine = false
                }
                journal.tell(report) { error($0).message }
            case .answer(let id, let answer): self.answer(id, answer)
            case .readImages(let name, let decidedOn): readImages(of: name, decidedOn: decidedOn)
            case .note(let step, let id, let failure): note(step, failure, for: asked[id])
            case .give(let work):
                // what is about to be done must be known to a successor
                saveState()
                give(work)
            }
        }
    }

    /// Has the fleet do something; returns when it is answered.
    ///
    /// - Returns: how long Linux was stalled because an inmate did not answer; nil when that was not so.
    @discardableResult
    func ask(_ request: FleetRequest) async throws -> Duration? {
        switch await answer(to: request) {
        case .done(let unanswered): return unanswered
        case .failed(let failure): throw error(failure)
        case .shutDown: return nil
        }
    }

    func answer(to request: FleetRequest) async -> FleetAnswer {
        guard !fleet.isEnding else { return .failed(.daemonEnds(cell: nil)) }
        poll()
        lastRequest += 1
        let id = lastRequest
        return await withCheckedContinuation { continuation in
            asked[id] = Asked(request: request, peer: Self.asker, continuation: continuation)
            handle(.requested(request, id), at: Clock.now())
            poll()
        }
    }

    // MARK: - State file

    func saveState() {
        record.save(fleet, failures: book.failures)
    }

    private func answer(_ id: RequestID, _ answer: FleetAnswer) {
        guard let asked = asked.removeValue(forKey: id) else { return }
        let body = { asked.continuation.resume(returning: answer) }
        if case .cell(_, let name) = asked.request { afterEvidence(of: name, body) } else { body() }
    }
}
