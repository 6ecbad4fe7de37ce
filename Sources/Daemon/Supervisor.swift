// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ControlInterface
import FailureReports
import Glibc
import Hypervisor
import JailhouseInterface
import Logging
import NIOCore
import Supervision
import SystemCalls
import SystemdSupport

/// The shell around the ``Fleet``, which decides: looks, gives the driver its work on another thread, keeps evidence and
/// the state file, writes the journal, answers clients.
///
/// It lives on an event loop of its own, which gives it timers finer than a millisecond. What may block for long (the
/// driver's commands, reading images, definitions and the console) runs on other threads; nothing here waits for it.
actor Supervisor {
    nonisolated let eventLoop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    nonisolated let driver: DriverThread
    nonisolated let files: DefinitionFiles
    private let logger: Logger
    private let view: HypervisorView
    private let serviceManager = ServiceManager()
    private let images: ImageReadings
    private let evidence: EvidenceKeeper
    /// Of the threads that a restart waits for.
    private let precedence: Precedence

    private var settings: LoadedDefinitions
    private var fleet = Fleet([:], memory: nil, at: Clock.now())
    private var book = CellBook()
    private var record: StateRecord
    private var journal: Journal
    private var driverClaim = DriverClaim.pending
    /// Something changed since the service manager was told how things are.
    private var hasNews = true
    private var calls: [RequestID: PendingCall] = [:]
    private var lastCall: RequestID = 0
    private var ear = ConsoleEar()
    private var timer: Scheduled<Void>?
    private var timings = Timings()
    private var refusals = Refusals()
    private var enables = EnableAttempts()
    private var pulses = GuestPulses()
    private var nextPoll: Moment
    private var rest = Rest()

    init(
        eventLoop: any EventLoop, hypervisor: HypervisorCommands, files: DefinitionFiles, stateFile: StateFile,
        logger: Logger, precedence: Precedence = .none
    ) {
        self.eventLoop = eventLoop
        self.files = files
        self.logger = logger
        self.precedence = precedence
        driver = DriverThread(hypervisor, precedence: precedence)
        images = ImageReadings(
            eventLoop: eventLoop, reader: files.reader, memory: files.memory, logger: logger, precedence: precedence)
        evidence = EvidenceKeeper(eventLoop: eventLoop, logger: logger, machine: files.machine)
        record = StateRecord(file: stateFile, logger: logger)
        journal = Journal(logger: logger)
        var filesAtStart = files
        filesAtStart.judgingTime = .seconds(2)
        settings = filesAtStart.load()
        view = HypervisorView(directory: hypervisor.sysfs)
        nextPoll = Clock.now()
    }

    /// Takes up what an earlier daemon knew, looks for the first time and goes on looking.
    ///
    /// - Parameter onlyToEnd: nothing is wanted of the hypervisor and the cells but their end.
    /// - Throws: ``StartError`` when there are no descriptors or no memory to read with. Without definitions, or
    ///   without what an earlier daemon knew, nothing good could be done; who starts the daemon tries again.
    func begin(onlyToEnd: Bool = false) throws(StartError) {
        if let shortage = settings.problems.first(where: \.isShortage) { throw StartError(shortage.message) }
        precedence.take(logger)
        let memory = try record.read()
        try beginReading(lostCPUs: memory?.lostCPUs ?? LostCPUs())
        book.begin(settings, failures: record.failures)
        (book.created, book.inForce) = (record.created, record.inForce)
        journal.tell(settings)
        let definitions = settings.definitions.map { ($0.name, FleetDefinition($0)) }
        fleet = Fleet(
            Dictionary(definitions) { first, _ in first }, system: settings.system.map { book.known($0) },
            memory: memory, onlyToEnd: onlyToEnd, readsImages: true, at: Clock.now())
        if onlyToEnd { driverClaim = .notNeeded }
        if look().hypervisor != .enabled { evidence.forgetLostCPUs() }
        if !evidence.lostCPUs.isEmpty {
            logger.record(
                .linuxLostCPU,
                """
                CPU \(CPUList.text(evidence.losses.map(\.cpu))) was lost to the hypervisor before this daemon was started; only a \
                reboot brings it back
                """)
        }
        try claimDriver()
        rest = Rest(precedence: precedence) { [eventLoop] in eventLoop.execute { self.assumeIsolated { $0.poll() } } }
        poll()
    }

    /// Leaves the cells as they are and stops looking.
    func end() {
        timer?.cancel()
        rest = Rest()
        handle(.ending, at: Clock.now())
        evidence.end()
        images.end()
        journal.watchers.finish()
        saveState()
    }

    // MARK: - Looking

    /// One pass: looks at everything, lets the fleet decide, and sets the time of the next pass.
    private func poll() {
        guard !fleet.isEnding else { return }
        let now = Clock.now()
        let look = look()
        do {
            try claimDriver()
        } catch {
            logger.record(.daemonFailed, "\(error)")
            exit(EXIT_FAILURE)
        }
        if fleet.lostCPUs != evidence.lostCPUs { handle(.lostCPUs(evidence.lostCPUs), at: now) }
        book.noteSigns(fleet)
        handle(.looked(look), at: now)
        book.take(view, fleet)
        pulses.look(fleet, book, view, at: now)
        images.prune(fleet)
        saveState()
        serviceManager.isAlive(at: now)
        if hasNews {
            serviceManager.tell(fleet.summary)
            hasNews = false
        }
        if now >= nextPoll {
            let next = nextPoll + settings.settings.pollInterval
            // late by more than one interval: after a rest, or after the whole machine has stood still
            nextPoll = next > now ? next : now + settings.settings.pollInterval
        }
        wake(after: now)
    }

    private func look() -> Look {
        view.look(onlineCPUs: fleet.wantsOnlineCPUs, stoppedCPUs: evidence.stoppedCPUs) { fleet.curiosity($0) }
        return view.lastLook
    }

    /// Wakes the loop when the fleet wants to be woken, at the latest when the poll interval is over; while the fleet is at
    /// rest, when something changes.
    private func wake(after now: Moment) {
        timer?.cancel()
        guard !fleet.isEnding else { return }
        var next = fleet.nextWake(after: now).map { min($0, nextPoll) } ?? nextPoll
        let mayRest =
            !hasNews && record.isSaved && driverClaim != .pending && fleet.lostCPUs == evidence.lostCPUs
        if rest.begins(mayRest, fleet, view, every: settings.settings.pollInterval, at: now) {
            next = max(now + Rest.length, nextPoll)
        }
        let pause = max(next - now, .microseconds(200))
        timer = eventLoop.scheduleTask(in: .nanoseconds(pause.wholeNanoseconds)) {
            self.assumeIsolated {
                $0.timings.note(lateness: Clock.now() - (now + pause))
                $0.poll()
            }
        }
    }

    private func claimDriver() throws(StartError) {
        try driverClaim.take(DaemonLock(device: driver.hypervisor.device), hasDriver: view.hasDriver)
    }

    // MARK: - Acting

    /// Gives the fleet an event and does what it wants done.
    private func handle(_ event: FleetEvent, at now: Moment) {
        let actions = fleet.handle(event, at: now)
        guard !actions.isEmpty else { return }
        hasNews = true
        for action in actions {
            switch action {
            case .keepEvidence(let cause, let name): keepEvidence(cause, of: name)
            case .report(let report, let name):
                if case .conditionChanged(_, let condition) = report, let since = fleet.cells[name]?.lifecycle.since {
                    book[name]?.note(condition, at: Clock.realTime(of: since))
                }
                guard let cell = inventory().shown(name) else { continue }
                // as the cell is now, with the evidence that is on its way
                evidence.after(name) { self.journal.tell(report, of: cell.with(self.book[name])) }
            case .machine(let report):
                switch report {
                case .enabled(let system, _):
                    settings.system = book.systems[system.path]
                    record.isEndedWithMachine = false
                    enables.succeed()
                case .notEnabled(let failure, _, _):
                    // what the driver was given is counted where it ends
                    if case .machine = failure {} else { refusals.count("enable", errno: 0) }
                    enables.fail(
                        failure, inventory().error(failure), at: Clock.realTime(), console: evidence.latest?.console)
                default: break
                }
                journal.tell(report) { inventory().error($0).message }
            case .answer(let id, let answer): self.answer(id, answer)
            case .readImages(let name, _): readImages(of: name)
            case .note(let step, let id, let failure):
                calls[id]?.note(step, failure.map { inventory().error($0) }, to: logger)
            case .give(let work):
                book.begin(work)
                // what is about to be done must be known to a successor
                saveState()
                give(work)
            }
        }
    }

    /// Gives the driver its work; its end comes back as an event.
    private func give(_ work: DriverWork) {
        driver.run(job(for: work), eventLoop).whenSuccess { end, call in
            self.assumeIsolated {
                $0.timings.note(work, end, call)
                $0.finish(work, end)
            }
        }
    }

    private func job(for work: DriverWork) -> DriverJob {
        let files = files
        switch work {
        case .command(let command, let name, let decidedOn):
            if command == .create, book.inForce.check(view) { journal.tellUnknownSystem(settings.system) }
            let system = book.inForce.source ?? settings.system
            let definition =
                command == .load ? book.loadedDefinition(of: name, view.sighting(of: name)) : book[name]?.definition
            var runner = CommandRunner(
                hypervisor: driver.hypervisor, decidedOn: decidedOn, before: view.lastLook,
                evidence: evidence.arrival(of: name), neighbours: book.neighbours(of: name, in: view),
                system: system?.descriptor,
                objection: { files.objection(toCreating: $0, in: system) })
            if command == .load {
                // the definition may have been read again since
                guard let read = images.take(name), read.definition == definition else {
                    return .nothing(.command(.overtaken))
                }
                book[name]?.images = read.judged
                runner.images = read
            }
            return .command(command, of: name, definition, runner)
        case .enable(let system):
            guard let source = book.systems[system.path] else { return .nothing(.machine(.noSystem)) }
            enables.begin(console: evidence.latest?.console)
            return .enable(source, files)
        case .disable: return .disable(before: view.lastLook)
        }
    }

    private func finish(_ work: DriverWork, _ end: DriverEnd) {
        guard case .enable(let system) = work, case .machine(var refusal?) = end, refusal.errno != 0 else {
            return conclude(work, end)
        }
        let source = book.systems[system.path]
        // what it said last names the part that refused
        evidence.refresh(always: true) {
            let errno = ErrnoName.of(refusal.errno)
            // the driver itself refuses without a word of the hypervisor's
            if let enable = self.enables.progress(errno: errno, console: self.evidence.latest?.console) {
                let explanation = enable.shortExplanation(errno: errno, of: source?.descriptor)
                // it says more than the number, whose other causes it excludes
                refusal.message = "enable: \(explanation.summary) \(explanation.advice) (\(errno))"
            }
            self.conclude(work, .machine(refusal))
        }
    }

    /// After every command, look.
    private func conclude(_ work: DriverWork, _ end: DriverEnd) {
        let now = Clock.now()
        note(work, end, at: now)
        evidence.readAgain()
        let look = look()
        book.end(work, end, view)
        var end = end
        // EBUSY has other reasons, too
        if case .machine(var refusal?) = end, refusal.kind == .enabled, look.hypervisor == .disabled {
            refusal.kind = .other
            end = .machine(refusal)
        }
        handle(.finished(end, look), at: now)
        saveState()
        wake(after: now)
    }

    /// Puts a refusal into the journal and into the metrics.
    private func note(_ work: DriverWork, _ end: DriverEnd, at now: Moment) {
        switch (work, end) {
        case (.command(let command, let name, _), .command(.refused(let refusal))):
            refusals.count(command.metricName, errno: refusal.errno)
            // a policy may repeat it as long as the machine runs
            guard let times = refusals.note(command, of: name, refusal.message, at: now) else { return }
            logger.record(
                .commandRefused, "\(refusal.message)\(times)",
                metadata: ["cell": "\(name)", "command": "\(command.rawValue)"])
        case (.command(let command, let name, _), .command(let outcome)):
            if case .done = outcome { refusals.end(command, of: name) }
            if command == .create || command == .destroy { book[name]?.isOutdated = false }
        case (.enable, .machine(let refusal?)): refusals.count("enable", errno: refusal.errno)
        case (.disable, .machine(let refusal?)): refusals.count("disable", errno: refusal.errno)
        default: break
        }
    }

    private func readImages(of name: String) {
        guard let cell = book[name], let definition = book.loadedDefinition(of: name, view.sighting(of: name)) else {
            return handle(.imagesRead(name, .noDefinition), at: Clock.now())
        }
        images.read(definition, cell.images)
    }

    /// Keeps what can be read at once, and has the console read.
    private func keepEvidence(_ cause: FailureCause, of name: String) {
        let observation = fleet.cells[name]?.lifecycle.sighting?.observation
        let exits = observation.map { view.exits(ofCell: $0.id) } ?? (nil, nil)
        var failure = FailureRecord(cause, of: observation, exits: exits)
        failure.silence = book.silence(of: name, cause, exits: exits.0)?.text(at: Clock.now())
        if let words = book.takeLastWords(of: name, cause) { failure.take(lastWords: words) }
        // of the next life nothing has been seen
        if failure.silence != nil { book[name]?.seen = nil }
        book.keep(failure, of: name)
        record.failuresChanged = true
        evidence.keep(failure, of: name)
    }

    /// What is read on other threads comes back as events.
    private func beginReading(lostCPUs: LostCPUs) throws(StartError) {
        images.isRead = { name, refusal in
            self.handle(.imagesRead(name, refusal), at: Clock.now())
            self.poll()
        }
        evidence.add = { console, failure, name in
            guard let complete = self.book.add(console, to: failure, of: name) else { return nil }
            self.record.failuresChanged = true
            return complete
        }
        evidence.heard = { self.listen(to: $0) }
        // a resting daemon would look only later
        evidence.hasLost = { self.poll() }
        // what the cell's next command may overwrite must be known to a successor
        evidence.isComplete = { self.saveState() }
        evidence.surroundings = { cell, linux in
            Surroundings(
                of: cell, cells: self.book.neighbours(of: "", in: self.view),
                system: self.book.inForce.source ?? self.settings.system, linux)
        }
        try evidence.begin(
            driver.hypervisor.sysfs, device: driver.hypervisor.device, lostCPUs: lostCPUs, precedence: precedence)
    }

    /// What the console says of the life of those cells whose rule is about it, and of the ends of Linux in cells.
    private func listen(to reading: LockedFiles.Reading) {
        if reading.news.isFromBeginning { ear.beginAnew() }
        guard reading.news.state == .readable else { return ear.forget() }
        let listeners = book.consoleListeners(fleet)
        guard !listeners.isEmpty else { return }
        let now = Clock.now()
        let read = now + (.zero - reading.at.duration(to: .now))
        for heard in ear.listen(to: reading.news.text, for: listeners)
        where heard.isOf(lifeSince: fleet.cells[heard.cell]?.lifecycle.upSince, read: read) {
            if let line = heard.line { book[heard.cell]?.seen = line }
            if case .ended = heard.sign { book[heard.cell]?.lastWords = [] }
            handle(.heard(heard.cell, heard.sign), at: now)
        }
        // what was heard is judged by what the cells are now
        poll()
    }

    private func saveState() {
        record.save(fleet, failures: book.failures, created: book.created, inForce: book.inForce)
    }

    // MARK: - Requests

    /// Has the fleet do something; returns when it is answered.
    func answer(to request: FleetRequest) async -> FleetAnswer {
        guard !fleet.isEnding else { return .failed(.daemonEnds(cell: nil)) }
        poll()
        lastCall += 1
        let id = lastCall
        return await withCheckedContinuation { continuation in
            calls[id] = PendingCall(request: request, peer: PendingCall.asker, continuation: continuation)
            handle(.requested(request, id), at: Clock.now())
            poll()
        }
    }

    private func answer(_ id: RequestID, _ answer: FleetAnswer) {
        guard let call = calls.removeValue(forKey: id) else { return }
        let body = { call.continuation.resume(returning: answer) }
        if case .cell(_, let name) = call.request { evidence.after(name, body) } else { body() }
    }

    /// - Returns: how long Linux was stalled because an inmate did not answer; nil when that was not so.
    /// - Throws: `FleetFailure`.
    @discardableResult
    func ask(_ request: FleetRequest) async throws(FleetFailure) -> Duration? {
        switch await answer(to: request) {
        case .done(let unanswered): return unanswered
        case .failed(let failure): throw failure
        case .shutDown: return nil
        }
    }

    /// - Parameter system: nil for the configured one.
    /// - Throws: `FleetFailure`.
    func enable(_ system: SystemSource?) async throws(FleetFailure) {
        try await ask(.enable(system.map { book.known($0) }))
    }

    /// - Parameter endOfMachine: a daemon that begins afterwards in the same boot begins as after a boot.
    /// - Throws: `FleetFailure`.
    func shutDownAll(
        within limit: Duration, endOfMachine: Bool = false
    ) async throws(FleetFailure) -> ShutDownResult {
        switch await answer(to: .shutDownAll(within: limit)) {
        case .shutDown(let result):
            if endOfMachine {
                record.isEndedWithMachine = true
                saveState()
            }
            return result
        case .failed(let failure): throw failure
        case .done: return ShutDownResult()
        }
    }

    /// What somebody says of a cell's life.
    ///
    /// - Parameters:
    ///   - reason: what kept the look from being a sign, for people.
    ///   - life: of which run that is said, in µs of when it began; nil: of the present one.
    /// - Returns: false when that run is over.
    @discardableResult
    func hear(_ sign: LifeSign, of name: String, reason: String? = nil, life: Int? = nil) -> Bool {
        if let life, life != fleet.cells[name]?.lifecycle.upSince?.microseconds { return false }
        if case .ended = sign {
            let lines = (reason ?? "").split(whereSeparator: \.isNewline).suffix(FailureRecord.mostGuestLines)
            book[name]?.lastWords = lines.map { Silence.plain(String($0)) }
        } else {
            book[name]?.seen = sign == .sign ? nil : reason.map { Silence.plain($0) }
        }
        handle(.heard(name, sign), at: Clock.now())
        poll()
        return true
    }

    /// - Parameter name: nil for all cells.
    func resetFailed(_ name: String?) {
        handle(.resetFailed(name), at: Clock.now())
        poll()
    }

    /// Everything that clients may ask about.
    ///
    /// - Parameter name: of the cell whose exit statistics are wanted.
    func inventory(statisticsOf name: String? = nil) -> Inventory {
        let id = name.flatMap { fleet.cells[$0]?.lifecycle.sighting?.observation?.id }
        return Inventory(
            fleet: fleet, cells: book.cells, guests: view.guests, system: settings.system,
            systemInForce: view.isEnabled ? book.inForce.source : nil, settingsPath: files.settingsPath,
            systemRefusal: settings.system == nil ? settings.systemRefusal : nil, reading: evidence.latest,
            losses: evidence.losses, deviceFaults: evidence.deviceFaults, pulses: pulses,
            refusedEnable: enables.refused,
            timings: timings, refusals: refusals.counts,
            failureCounts: book.failureCounts, statistics: id.map(view.statistics(ofCell:)) ?? [])
    }

    /// Every cell as it is, then every change.
    func watch(_ name: String?) throws -> (id: Int, changes: AsyncStream<Manager.Change>) {
        journal.watchers.add(cell: name, first: try inventory().changes(of: name))
    }

    func unwatch(_ id: Int) { journal.watchers.remove(id) }

    /// What the hypervisor printed and, if the client follows it, what it prints.
    func console(follows: Bool) async -> (id: Int?, replies: AsyncStream<Manager.Console.Reply>) {
        await withCheckedContinuation { continuation in
            evidence.refresh { continuation.resume() }
        }
        return evidence.console(follows: follows)
    }

    func unfollow(_ id: Int) { evidence.unfollow(id) }

    // MARK: - Definitions

    var definitionsInForce: [CellDefinition] { book.cells.values.compactMap(\.definition) }

    /// Takes in the configuration directory as it was read again.
    ///
    /// - Returns: nil when the daemon exits.
    func take(_ fresh: LoadedDefinitions) -> DefinitionChanges? {
        guard !fleet.isEnding else { return nil }
        let now = Clock.now()
        let (changes, events) = book.take(fresh, fleet, failures: record.failures)
        for name in changes.removed { record.failures[name] = nil }
        for event in events { handle(event, at: now) }
        journal.tell(fresh)
        settings.take(fresh)
        logger.record(
            .definitionsReloaded,
            """
            reloaded the definitions: \(changes.added.count) added, \(changes.changed.count) changed, \
            \(changes.removed.count) removed, \(changes.problems.count) refused
            """)
        poll()
        return changes
    }
}
