import CellConfiguration
import CellDefinition
import ControlInterface
import Glibc
import Hypervisor
import Supervision

extension Supervisor {
    /// Gives a command to the command thread; its end comes back as an event.
    func launch(_ command: Command, for name: String) {
        guard let definition = cells[name]?.definition else {
            return conclude(command, for: name, .refused(.noDefinition), at: Clock.now())
        }
        if holds(command, for: name) { return }
        if command == .create, let refusal = refusal(ofCreating: definition) {
            return conclude(command, for: name, .refused(refusal), at: Clock.now())
        }
        if command == .create || command == .destroy {
            if let silent = cells.first(where: { $0.key != name && $0.value.lifecycle.isKnownSilent })?.key {
                return conclude(command, for: name, .refused(.wouldFreeze(command, name, silent)), at: Clock.now())
            }
            if cells.contains(where: { $0.key != name && $0.value.lifecycle.mayBeSilent }) {
                eventLoop.scheduleTask(in: .milliseconds(1)) {
                    self.assumeIsolated { if !$0.isEnding { $0.launch(command, for: name) } }
                }
                return
            }
        }
        let runner = CommandRunner(
            hypervisor: hypervisor, files: files.reader, logger: logger, images: cells[name]?.images ?? JudgedImages(),
            decidedOn: cells[name]?.lifecycle.sighting)
        let work = commandThread.runIfActive(eventLoop: eventLoop) {
            var runner = runner
            return (runner.run(command, definition), runner.images)
        }
        work.whenComplete { result in
            self.assumeIsolated { supervisor in
                let (outcome, images) = (try? result.get()) ?? (.refused(.daemonEnds), runner.images)
                // a definition that was read meanwhile has been judged with its images then
                if supervisor.cells[name]?.definition == definition { supervisor.cells[name]?.images = images }
                supervisor.finish(command, for: name, outcome)
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

    /// After every command, look.
    private func finish(_ command: Command, for name: String, _ outcome: Outcome) {
        let now = Clock.now()
        look(at: now)
        if command == .start, case .done = outcome { noteStart(of: name) }
        if case .refused(let refusal) = outcome {
            logger.warning("\(refusal.message)", metadata: ["cell": "\(name)", "command": "\(command.rawValue)"])
        }
        conclude(command, for: name, outcome, at: now)
        saveState()
        if !isEnding { arm(at: now) }
    }

    /// Gives the cell the end of its command with what the last look showed; when that showed nothing, after the first
    /// look that does.
    func conclude(_ command: Command, for name: String, _ outcome: Outcome, at now: Moment) {
        if let sighting = view.sighting(of: name) {
            feed(name, .finished(command, outcome, sighting), at: now)
        } else {
            unseenEnds[name] = UnseenEnd(command: command, outcome: outcome)
        }
    }

    /// What a pass showed of a cell.
    func feed(_ sighting: Sighting, of name: String, at now: Moment) {
        if let end = unseenEnds.removeValue(forKey: name) {
            feed(name, .finished(end.command, end.outcome, sighting), at: now)
        } else {
            feed(name, .seen(sighting), at: now)
        }
    }

    /// Enables the hypervisor once its driver is there, if a system is configured.
    func enableIfWanted() {
        guard wantsEnable, !isMachineCommandInFlight, view.hasDriver else { return }
        if let enableAgain, Clock.now() < enableAgain.at { return }
        wantsEnable = false
        guard !view.isEnabled, let system = settings.system else { return }
        enabling = Task {
            do {
                try await self.enable(system)
            } catch {
                self.noteFailedEnable(error)
            }
        }
    }

    /// Tries again later, unless the reason is the configuration or the hypervisor's file, which stay what they are.
    private func noteFailedEnable(_ error: any Error) {
        guard let errno = (error as? HypervisorError)?.errno, errno != EINVAL, errno != ENOENT, errno != 0 else {
            return logger.error("\(error.sentence)")
        }
        let pause = enableAgain.map { min($0.pause * 2, EnableAgain.longestPause) } ?? EnableAgain.firstPause
        enableAgain = EnableAgain(at: Clock.now() + pause, pause: pause)
        wantsEnable = true
        logger.error("\(error.sentence); trying again in \(pause)")
    }

    /// When and after which pause a failed enable is tried again.
    struct EnableAgain {
        static let firstPause = Duration.milliseconds(100)
        static let longestPause = Duration.seconds(60)
        let at: Moment
        let pause: Duration
    }

    /// Enables the hypervisor with this system, and starts what is to be started with it.
    func enable(_ system: SystemSource) async throws {
        let configuration = try system.configuration()
        do {
            try await machineCommand { hypervisor throws(HypervisorError) in try hypervisor.enable(configuration) }
        } catch let error as HypervisorError {
            // what shows decides, not what the call says
            look(at: Clock.now())
            guard error.cause != nil, view.isEnabled else { throw error }
            logger.warning("\(error.message); it is enabled all the same")
        }
        logger.notice("enabled the hypervisor with \(system.path)")
        state.isDisabledByRequest = false
        wantsEnable = false
        enableAgain = nil
        let now = Clock.now()
        look(at: now)
        for name in startingByThemselves where !isShuttingDown {
            if let sighting = view.sighting(of: name) { feed(sighting, of: name, at: now) }
            feed(name, .requested(.start, 0), at: now)
        }
        poll()
    }

    /// Destroys all cells and disables the hypervisor; if a cell denies it, everything is wanted as before.
    func disableMachine() async throws {
        let now = Clock.now()
        let wanted = cells.filter { $0.value.lifecycle.memory.goal == .run }.keys
        for name in cells.keys { feed(name, .released, at: now) }
        wantsEnable = false
        do {
            try await machineCommand { hypervisor throws(HypervisorError) in try hypervisor.disable() }
        } catch {
            let now = Clock.now()
            look(at: now)
            if view.isEnabled || !view.isComplete {
                for name in wanted { feed(name, .requested(.start, 0), at: now) }
                throw error
            }
            logger.warning("\(error.sentence); it is disabled all the same")
        }
        logger.notice("disabled the hypervisor")
        state.isDisabledByRequest = true
        poll()
    }

    private func machineCommand(
        _ body: @escaping @Sendable (HypervisorCommands) throws(HypervisorError) -> Void
    ) async throws {
        guard !isMachineCommandInFlight else {
            throw ManagerError.commandFailed(
                cell: nil, command: "enable", errno: 0, errnoName: "",
                message: "the hypervisor is being enabled or disabled already: try again when that is done")
        }
        isMachineCommandInFlight = true
        defer { isMachineCommandInFlight = false }
        let hypervisor = hypervisor
        try await commandThread.runIfActive(eventLoop: eventLoop) { try body(hypervisor) }.get()
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
