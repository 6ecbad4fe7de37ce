import CellConfiguration
import CellDefinition
import ControlInterface
import Hypervisor
import Logging
import NIOCore
import NIOPosix
import Supervision
import SystemCalls

/// Joins the hypervisor, the cells' lives and the clients: looks, lets each ``CellLifecycle`` decide, and acts.
///
/// It lives on an event loop of its own, which gives it timers finer than a millisecond. What may block for long (the
/// driver's commands, reading images and definitions) runs on other threads; nothing here waits for it.
actor Supervisor {
    nonisolated let eventLoop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    let logger: Logger
    let hypervisor: HypervisorCommands
    let commandThread: NIOThreadPool
    /// Checks definitions for clients.
    let checkThread = NIOThreadPool(numberOfThreads: 1)
    let files: DefinitionFiles
    let stateFile: StateFile
    let view: HypervisorView
    let serviceManager = ServiceManager()

    var settings: LoadedDefinitions
    var cells: [String: ManagedCell] = [:]
    var state: StateFile.Contents
    var written: StateFile.Contents?
    /// The state file could not be written; said once.
    var stateFileProblem: String?
    var answers: [RequestID: CheckedContinuation<Void, any Error>] = [:]
    var lastRequest: RequestID = 0
    /// Commands whose end is known, and whose effect could not be looked at yet; by cell.
    var unseenEnds: [String: UnseenEnd] = [:]
    /// Commands that wait for other cells, by cell.
    var held: [String: Command] = [:]
    /// Requests to start a cell that are not answered yet, by cell.
    var starting: [String: Set<RequestID>] = [:]
    /// The latest request for each cell.
    var lastRequests: [String: RequestID] = [:]
    var watchers = Watchers()
    /// The hypervisor is to be enabled as soon as its driver is there.
    var wantsEnable = false
    /// The daemon's own enable failed.
    var enableAgain: EnableAgain?
    /// The daemon is enabling it by itself; a request that comes meanwhile waits for this.
    var enabling: Task<Void, Never>?
    var lastReload: Task<Manager.Reload.Reply, Never>?
    var isMachineCommandInFlight = false
    var driver = DriverQueue()
    var wasEnabled: Bool?
    var failedRootCPUs: [Int] = []
    var isEnding = false
    /// All cells are being stopped: nobody starts any.
    var isShuttingDown = false
    /// Something changed since the service manager was told how things are.
    var hasNews = true
    private var timer: Scheduled<Void>?
    private var nextPoll: Moment

    init(
        eventLoop: any EventLoop, commandThread: NIOThreadPool, hypervisor: HypervisorCommands, files: DefinitionFiles,
        stateFile: StateFile, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.commandThread = commandThread
        self.hypervisor = hypervisor
        self.files = files
        self.stateFile = stateFile
        self.logger = logger
        settings = files.load()
        view = HypervisorView(directory: hypervisor.sysfs)
        state = StateFile.Contents()
        nextPoll = Clock.now()
        checkThread.start()
    }

    /// Takes up what an earlier daemon knew, looks for the first time and goes on looking.
    ///
    /// - Parameter onlyToEnd: nothing is wanted of the hypervisor and the cells but their end.
    /// - Throws: ``StartError`` when there are no descriptors or no memory to read with. Without definitions, or
    ///   without what an earlier daemon knew, nothing good could be done; who starts the daemon tries again.
    func begin(onlyToEnd: Bool = false) throws(StartError) {
        if let shortage = settings.problems.first(where: \.isShortage) { throw StartError(shortage.message) }
        let bootID = try StateFile.bootID()
        let isNewBoot = try readState(of: bootID)
        state.bootID = bootID
        let now = Clock.now()
        for definition in settings.definitions {
            // no memory at all is a new boot, in which autostart counts; a cell that is new in this boot waits for a person
            let memory = state.cells[definition.name] ?? (isNewBoot ? nil : LifecycleMemory())
            var cell = ManagedCell(definition, memory: memory, at: now)
            cell.failures = state.failures[definition.name] ?? []
            cell.images = settings.images[definition.name] ?? JudgedImages()
            cells[definition.name] = cell
        }
        if isNewBoot { wantRequired(at: now) }
        noteProblems(settings)
        if onlyToEnd { releaseAll() } else { wantsEnable = settings.system != nil && !state.isDisabledByRequest }
        poll()
    }

    /// Tells the service manager that clients are served.
    func isReady() {
        serviceManager.isReady()
    }

    /// Leaves the cells as they are and stops looking.
    func end() {
        isEnding = true
        timer?.cancel()
        closeDriver()
        watchers.finish()
        saveState()
        for (id, continuation) in answers {
            continuation.resume(throwing: ManagerError.daemonEnds(cell: ""))
            answers[id] = nil
        }
    }

    struct UnseenEnd {
        let command: Command
        let outcome: Outcome
    }

    // MARK: - Observe

    /// One pass: looks at everything, lets every cell decide, and sets the time of the next pass.
    func poll() {
        guard !isEnding else { return }
        let now = Clock.now()
        look(at: now)
        for name in cells.keys {
            if let sighting = view.sighting(of: name) { feed(sighting, of: name, at: now) }
        }
        serveHeld()
        for (name, cell) in cells where cell.isForgettable { cells[name] = nil }
        enableIfWanted()
        saveState()
        serviceManager.isAlive(at: now)
        if hasNews {
            serviceManager.tell(summary)
            hasNews = false
        }
        if now >= nextPoll { nextPoll = max(nextPoll + settings.settings.pollInterval, now) }
        arm(at: now)
    }

    func look(at now: Moment) {
        view.look { cells[$0]?.lifecycle.curiosity ?? [] }
        for guest in view.guests {
            if cells[guest.name] == nil { cells[guest.name] = ManagedCell(foreign: guest.name, at: now) }
            if cells[guest.name]?.assignedCPUs != guest.cpus { cells[guest.name]?.assignedCPUs = guest.cpus }
        }
        noteMachine()
    }

    /// Wakes the loop when the first cell wants to be looked at, at the latest when the poll interval is over.
    func arm(at now: Moment) {
        var next = nextPoll
        for cell in cells.values {
            if let wish = cell.lifecycle.nextLook(after: now), wish < next { next = wish }
        }
        timer?.cancel()
        let pause = max(next - now, .microseconds(200))
        timer = eventLoop.scheduleTask(in: .nanoseconds(pause.wholeNanoseconds)) {
            self.assumeIsolated { $0.poll() }
        }
    }

    // MARK: - Decide and act

    /// Gives a cell an event and does what it wants done.
    func feed(_ name: String, _ event: Event, at now: Moment) {
        guard let actions = cells[name]?.lifecycle.handle(event, at: now), !actions.isEmpty else { return }
        hasNews = true
        var command: Command?
        for action in actions {
            switch action {
            case .keepEvidence(let cause): keepEvidence(cause, of: name)
            case .report(let report): tell(report, of: name)
            case .answer(let id, let failure): answer(id, failure, of: name)
            case .run(let next): command = next
            }
        }
        guard let command else { return }
        // what is about to be done must be known to a successor
        saveState()
        launch(command, for: name)
    }

    private func keepEvidence(_ cause: FailureCause, of name: String) {
        let console = HypervisorConsole.tail(directory: hypervisor.sysfs)
        let observation = cells[name]?.lifecycle.sighting?.observation
        let exits = observation.map { view.exits(ofCell: $0.id) } ?? (nil, nil)
        let record = FailureRecord(cause, of: observation, exits: exits, console: console)
        cells[name]?.failures.append(record)
        if let count = cells[name]?.failures.count, count > FailureRecord.kept { cells[name]?.failures.removeFirst() }
    }

    private func answer(_ id: RequestID, _ failure: RequestFailure?, of name: String) {
        guard let continuation = answers.removeValue(forKey: id) else { return }
        if let failure {
            continuation.resume(throwing: ManagerError(failure, cell: name, latest: cells[name]?.failures.last))
        } else {
            continuation.resume()
        }
    }

    // MARK: - State file

    /// Whether this is the first daemon of this boot.
    private func readState(of bootID: String) throws(StartError) -> Bool {
        switch stateFile.read(bootID: bootID) {
        case .shortage(let reason): throw StartError(reason)
        case .none: return true
        case .contents(let contents):
            state = contents
            written = contents
            return false
        case .unusable(let reason):
            logger.warning(
                "the state file \(stateFile.path) is not used: \(reason); running cells are adopted as they are")
            return false
        }
    }

    func saveState() {
        for (name, cell) in cells where cell.definition != nil {
            if state.cells[name] != cell.lifecycle.memory { state.cells[name] = cell.lifecycle.memory }
            if state.failures[name, default: []] != cell.failures { state.failures[name] = cell.failures }
        }
        guard state != written else { return }
        do {
            try stateFile.write(state)
            written = state
            if stateFileProblem != nil { logger.notice("the state file \(stateFile.path) is written again") }
            stateFileProblem = nil
        } catch {
            guard stateFileProblem == nil else { return }
            stateFileProblem = "\(error)"
            logger.error(
                """
                the state file cannot be written (\(error)): free space there; supervision goes on, but a restart of \
                the daemon would forget restart counts and what was stopped
                """)
        }
    }
}
