import CellConfiguration
import CellDefinition
import ControlInterface
import Glibc
import Hypervisor
import Logging
import Supervision

extension Supervisor {
    /// After every command, look.
    func finish(_ command: Command, for name: String, _ outcome: Outcome) {
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
            try await machineCommand(asksCells: false) { hypervisor throws(HypervisorError) in
                try hypervisor.enable(configuration)
            }
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
    ///
    /// - Parameter deadline: it is not begun later; nil: whenever its turn comes.
    func disableMachine(by deadline: Moment? = nil) async throws {
        let now = Clock.now()
        for name in cells.keys { feed(name, .released, at: now) }
        wantsEnable = false
        do {
            try await machineCommand(asksCells: true, by: deadline) { hypervisor throws(HypervisorError) in
                try hypervisor.disable()
            }
        } catch {
            let now = Clock.now()
            look(at: now)
            if view.isEnabled || !view.isComplete {
                for name in cells.keys { feed(name, .retained, at: now) }
                poll()
                throw error
            }
            logger.warning("\(error.sentence); it is disabled all the same")
        }
        logger.notice("disabled the hypervisor")
        state.isDisabledByRequest = true
        poll()
    }
}
