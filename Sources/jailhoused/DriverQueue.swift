import CellConfiguration
import CellDefinition
import ControlInterface
import Hypervisor
import JailhouseInterface
import NIOCore
import NIOPosix
import Supervision

/// What the driver is to do: one thing after the other, as it has one lock.
struct DriverQueue {
    enum Work {
        /// decidedOn: what the cell showed when the command was decided on.
        case command(Command, of: String, decidedOn: Sighting?)
        case machine(MachineWork)
    }

    struct MachineWork {
        /// A disable asks every cell to shut down.
        let asksCells: Bool
        /// It is not begun later.
        let deadline: Moment?
        let body: @Sendable (HypervisorCommands) throws(HypervisorError) -> Void
        let end: CheckedContinuation<Void, any Error>
    }

    var waiting: [Work] = []
    var isBusy = false
    /// When what has to wait is looked at again.
    var retry: Scheduled<Void>?
}

private enum Readiness {
    case ready, waits
    case rejected(any Error)
}

/// Whether something may be done is decided when its turn has come, not when it was asked for: another command may take
/// long, and a cell fall silent meanwhile.
extension Supervisor {
    /// Gives a command to the driver; its end comes back as an event.
    func launch(_ command: Command, for name: String) {
        guard cells[name]?.definition != nil else {
            return conclude(command, for: name, .refused(.noDefinition), at: Clock.now())
        }
        if holds(command, for: name) { return }
        driver.waiting.append(.command(command, of: name, decidedOn: cells[name]?.lifecycle.sighting))
        serveDriver()
    }

    /// Has the driver do something that is no cell's.
    ///
    /// - Throws: what the driver answers; `wouldFreeze` and the like when its turn has come and it may not be done.
    func machineCommand(
        asksCells: Bool, by deadline: Moment? = nil,
        _ body: @escaping @Sendable (HypervisorCommands) throws(HypervisorError) -> Void
    ) async throws {
        guard !isMachineCommandInFlight else {
            throw ManagerError.commandFailed(
                cell: nil, command: asksCells ? "disable" : "enable", errno: 0, errnoName: "",
                message: "the hypervisor is being enabled or disabled already: try again when that is done")
        }
        isMachineCommandInFlight = true
        defer { isMachineCommandInFlight = false }
        try await withCheckedThrowingContinuation { end in
            driver.waiting.append(
                .machine(.init(asksCells: asksCells, deadline: deadline, body: body, end: end)))
            serveDriver()
        }
    }

    /// Nothing more is begun; nobody waits for it.
    func closeDriver() {
        driver.retry?.cancel()
        for case .machine(let work) in driver.waiting { work.end.resume(throwing: ManagerError.daemonEnds(cell: "")) }
        driver.waiting = []
    }

    /// Begins the first work that may be done now, if nothing is being done.
    private func serveDriver() {
        var index = 0
        while !driver.isBusy, !isEnding, index < driver.waiting.count {
            let work = driver.waiting[index]
            switch readiness(of: work) {
            case .ready:
                driver.waiting.remove(at: index)
                driver.isBusy = true
                begin(work)
            case .waits: index += 1
            case .rejected(let reason):
                driver.waiting.remove(at: index)
                // which may bring new work
                reject(work, reason)
                index = 0
            }
        }
        driver.retry?.cancel()
        guard !driver.isBusy, !isEnding, !driver.waiting.isEmpty else { return }
        driver.retry = eventLoop.scheduleTask(in: .milliseconds(1)) {
            self.assumeIsolated { $0.serveDriver() }
        }
    }

    private func reject(_ work: DriverQueue.Work, _ reason: any Error) {
        switch work {
        case .command(let command, let name, _):
            let refusal = reason as? Refusal ?? Refusal(kind: .other, message: reason.sentence)
            conclude(command, for: name, .refused(refusal), at: Clock.now())
        case .machine(let machine): machine.end.resume(throwing: reason)
        }
    }

    private func readiness(of work: DriverQueue.Work) -> Readiness {
        switch work {
        case .command(let command, let name, _):
            guard let definition = cells[name]?.definition else { return .rejected(Refusal.noDefinition) }
            if command == .create, let refusal = refusal(ofCreating: definition) { return .rejected(refusal) }
            guard command == .create || command == .destroy else { return .ready }
            let others = cells.filter { $0.key != name }
            if let silent = others.first(where: { $0.value.lifecycle.isKnownSilent })?.key {
                return .rejected(Refusal.wouldFreeze(command, name, silent))
            }
            return others.contains { $0.value.lifecycle.mayBeSilent } ? .waits : .ready
        case .machine(let machine):
            if let deadline = machine.deadline, Clock.now() >= deadline {
                return .rejected(ManagerError.superseded(cell: "", message: "its time was over before its turn came"))
            }
            guard machine.asksCells else { return .ready }
            if let danger = dangerOfDisabling { return .rejected(danger) }
            return cells.values.contains { $0.lifecycle.mayBeSilent } ? .waits : .ready
        }
    }

    private func begin(_ work: DriverQueue.Work) {
        switch work {
        case .machine(let machine):
            let hypervisor = hypervisor
            commandThread.runIfActive(eventLoop: eventLoop) { try machine.body(hypervisor) }.whenComplete { result in
                self.assumeIsolated { supervisor in
                    supervisor.driver.isBusy = false
                    machine.end.resume(with: result)
                    supervisor.serveDriver()
                }
            }
        case .command(let command, let name, let decidedOn):
            guard let cell = cells[name], let definition = cell.definition else {
                driver.isBusy = false
                return conclude(command, for: name, .refused(.noDefinition), at: Clock.now())
            }
            let runner = CommandRunner(
                hypervisor: hypervisor, files: files.reader, logger: logger, images: cell.images, decidedOn: decidedOn)
            let work = commandThread.runIfActive(eventLoop: eventLoop) {
                var runner = runner
                return (runner.run(command, definition), runner.images)
            }
            work.whenComplete { result in
                self.assumeIsolated { supervisor in
                    let (outcome, images) = (try? result.get()) ?? (.refused(.daemonEnds), runner.images)
                    // a definition that was read meanwhile has been judged with its images then
                    if supervisor.cells[name]?.definition == definition { supervisor.cells[name]?.images = images }
                    supervisor.driver.isBusy = false
                    supervisor.finish(command, for: name, outcome)
                    supervisor.serveDriver()
                }
            }
        }
    }

    /// What a cell that exists and this one would do to each other, which the hypervisor does not look at.
    private func refusal(ofCreating definition: CellDefinition) -> Refusal? {
        for (name, cell) in cells where name != definition.name {
            guard let other = cell.definition, view.sighting(of: name)?.observation != nil else { continue }
            let findings = DefinitionSet([definition, other]).mutualFindings(in: settings.system?.descriptor)
            guard let finding = findings.first(where: { $0.severity == .error }) else { continue }
            return Refusal(kind: .definition, message: "the cell \(name) exists, and \(finding)")
        }
        return nil
    }

    /// Which cell would have Linux wait for its answer, perhaps for ever, if the hypervisor were disabled now.
    var dangerOfDisabling: ManagerError? {
        for cell in cells.values.sorted(by: { $0.name < $1.name }) {
            guard let state = cell.lifecycle.sighting?.observation?.state, state.isAskedToShutDown else { continue }
            guard let handshake = cell.lifecycle.handshake else { return .undefinedCellWouldBeAsked(cell.name) }
            let isSilent = cell.isSilent || self.state.silentCells?.contains(cell.name) == true
            if !handshake.permitsAsking(state, silent: isSilent) {
                return ManagerError(RequestFailure.wouldFreeze, cell: cell.name)
            }
        }
        return nil
    }
}

extension Refusal {
    fileprivate static let noDefinition = Refusal(kind: .definition, message: "its definition went")

    /// A cell that comes or goes is announced to all others, and their answers are waited for.
    fileprivate static func wouldFreeze(_ command: Command, _ name: String, _ silent: String) -> Refusal {
        Refusal(
            kind: .other,
            message: """
                \(command.rawValue) \(name): the cell \(silent) does not answer and has no message-timeout; it would \
                be told, and Linux would stand still for ever. Reboot in an orderly way when you can
                """)
    }

    fileprivate static let daemonEnds = Refusal(kind: .other, message: "the daemon is going")
}
