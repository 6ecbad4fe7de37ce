// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ConfigurationRules
import ControlInterface
import FailureReports
import Hypervisor
import JailhouseInterface
import Supervision

// Everything that clients are shown, in the types of the interface. Errors: ErrorSentences.swift.

// MARK: - A cell

extension ShownCell {
    var onWire: Manager.Cell {
        let observation = lifecycle.sighting?.observation
        return Manager.Cell(
            name: managed.name, id: observation?.id, state: observation?.state.rawValue,
            condition: lifecycle.condition.rawValue, cpus: cpus, failedCpus: observation?.lostCPUs ?? [],
            restarts: lifecycle.memory.restarts, since: Clock.realTime(of: lifecycle.since),
            sinceMonotonic: lifecycle.since.microseconds, defined: definition != nil)
    }

    /// For those who begin to watch.
    var asChange: Manager.Change {
        Manager.Change(
            at: Clock.realTime(), kind: "current", cell: onWire, message: lifecycle.condition.rawValue, missed: 0)
    }

    func details(statistics: [(name: String, value: UInt64)]) -> Manager.Details {
        Manager.Details(
            cell: onWire, definition: managed.definitionPath, problem: problem,
            images: definition?.images.map(\.path) ?? [], supervision: supervisionOnWire,
            lastFailure: managed.failures.last?.onWire, console: managed.failures.last?.console ?? [],
            vmExits: statistics.first { $0.name == "vmexits_total" }.map { Int(clamping: $0.value) },
            lastShutdown: lastShutdown, accepted: accepted, liveness: livenessOnWire,
            history: managed.history.isEmpty ? nil : managed.history,
            started: lifecycle.upSince.map(Clock.realTime(of:)), life: lifecycle.upSince?.microseconds)
    }

    private var livenessOnWire: Manager.Liveness? {
        guard let policy = lifecycle.supervised?.policy, let rule = policy.liveness else { return nil }
        let since = lifecycle.isQuiet ? lifecycle.lastSign.map { $0 + rule.within } : nil
        return Manager.Liveness(
            kind: (definition?.liveness?.kind ?? .exits).rawValue, within: rule.within.microseconds,
            afterStart: rule.afterStart.microseconds, restarts: policy.restartsSilent && policy.restart != .never,
            lastSign: lifecycle.hasGivenSign ? lifecycle.lastSign.map(Clock.realTime(of:)) : nil,
            silentSince: (since ?? (lifecycle.isQuiet ? lifecycle.since : nil)).map(Clock.realTime(of:)))
    }

    /// What became of the last request to shut down, if the inmate was asked.
    private var lastShutdown: Manager.ShutdownRequest? {
        guard let answer = lifecycle.memory.lastAnswer, answer != .notAsked else { return nil }
        return shutdownRequest
    }

    private var shutdownRequest: Manager.ShutdownRequest {
        let memory = lifecycle.memory
        return Manager.ShutdownRequest(
            outcome: (memory.lastAnswer ?? .notAsked).rawValue,
            at: (memory.lastAnswer ?? .notAsked) == .notAsked ? nil : memory.lastAnswerTime.map(Clock.realTime(of:)),
            stalled: memory.lastStall?.microseconds)
    }

    private var supervisionOnWire: Manager.Supervision? {
        guard let policy = lifecycle.supervised?.policy else { return nil }
        return Manager.Supervision(
            desired: lifecycle.desired, restart: policy.restart.rawValue, delay: policy.delay.microseconds,
            maximumDelay: policy.maximumDelay.microseconds, attempts: lifecycle.memory.budget.attempts.count,
            attemptLimit: policy.limit.attempts, limitWithin: policy.limit.within.microseconds,
            nextRestart: lifecycle.nextRestart.map(Clock.realTime(of:)),
            stopTimeout: policy.stopTimeout.microseconds, autostart: policy.autostart)
    }

    /// The communication region as far as Linux can know it: the hypervisor's page itself cannot be mapped.
    func region(platform: Platform?) -> Manager.Region? {
        guard let descriptor = definition?.descriptor else { return nil }
        let state = lifecycle.sighting?.observation?.state
        var flags: [String] = []
        if descriptor.flags.contains(.virtualConsolePermitted) { flags.append("debug-putc-permitted") }
        if descriptor.flags.contains(.virtualConsoleActive) { flags.append("debug-putc-active") }
        let x86 = platform?.x86
        return Manager.Region(
            address: descriptor.communicationRegion.map { Int(truncatingIfNeeded: $0.virtualStart) },
            abiRevision: Int(
                descriptor.format.hasOldLinks
                    ? CommunicationRegion.earlyABIRevision : CommunicationRegion.abiRevision),
            state: state?.rawValue, stateNumber: state?.number, passive: descriptor.isPassive,
            messageReplyTimeout: Int(clamping: descriptor.messageReplyTimeout), lastRequest: shutdownRequest,
            pciMmconfigBase: platform.map { Int(clamping: $0.mmconfigBase) },
            pmTimerPort: x86.map { Int($0.pmTimerPort) }, numberOfCpus: cpus.count,
            // 0: the hypervisor measures it, and Linux does not learn the result
            tscKhz: x86.flatMap { $0.tscKHz == 0 ? nil : Int($0.tscKHz) },
            apicKhz: x86.flatMap { $0.apicKHz == 0 ? nil : Int($0.apicKHz) },
            consoleAddress: Int(clamping: descriptor.console.address), flags: flags)
    }
}

extension Platform {
    fileprivate var x86: X86Platform? {
        if case .x86(let platform) = specific { platform } else { nil }
    }
}

extension FailureRecord {
    var onWire: Manager.Failure {
        Manager.Failure(
            at: at, reason: reason, state: state, failedCpus: failedCPUs, console: console, vmExits: exits,
            managementExits: managementExits)
    }
}

extension Manager.Cell {
    /// A cell whose name nobody can type.
    ///
    /// - Parameter cpus: empty when they cannot be read.
    init(_ cell: NamelessCell, cpus: [Int]) {
        self.init(
            name: cell.label, id: cell.observation.id, state: cell.observation.state.rawValue,
            condition: Condition.foreign.rawValue, cpus: cpus, failedCpus: cell.observation.lostCPUs, restarts: 0,
            since: Clock.realTime(of: cell.since), sinceMonotonic: cell.since.microseconds, defined: false)
    }
}

extension Manager.Details {
    init(_ cell: NamelessCell, cpus: [Int]) {
        self.init(
            cell: Manager.Cell(cell, cpus: cpus),
            problem: "its name is empty or not text, so no definition can name it, and the daemon does not control it",
            images: [])
    }
}

// MARK: - What happens

extension Manager.Change {
    /// A change of a cell that was reported.
    ///
    /// - Parameter message: the change as a sentence.
    init(_ report: Report, of cell: ShownCell, message: String) {
        var previous: String?
        if case .conditionChanged(let from, _) = report { previous = from.rawValue }
        self.init(
            at: Clock.realTime(), kind: report.kind, cell: cell.onWire, previous: previous, message: message, missed: 0)
    }
}

extension Manager.Console.Reply {
    /// Text that was read.
    ///
    /// - Parameter time: when, in µs since 1970.
    init(_ news: ConsoleFollower.News, at time: Int) {
        self.init(text: news.text, at: time, state: news.state.rawValue)
    }

    /// How the console is.
    ///
    /// - Parameters:
    ///   - time: now, in µs since 1970.
    ///   - age: of the last reading, in µs; nil when there was none.
    init(_ state: ConsoleState?, at time: Int, age: Int?) {
        self.init(text: "", at: time, state: state?.rawValue, age: age)
    }
}

extension Manager.Finding {
    init(_ finding: Finding) {
        self.init(
            rule: finding.rule, severity: finding.severity.rawValue, path: finding.path, line: finding.line,
            location: finding.location, message: finding.message, consequence: finding.consequence,
            remedy: finding.remedy)
    }
}

extension Manager.Check.Reply {
    /// What is wrong, with everything or with one file.
    init(_ loaded: LoadedDefinitions, about path: String?) {
        self.init(
            findings: loaded.problems.filter { path == nil || $0.path == path }.map(\.message)
                + loaded.warnings.filter { path == nil || $0.hasPrefix(path ?? "") },
            details: loaded.findings.filter { path == nil || $0.path == path }.map(Manager.Finding.init))
    }
}

// MARK: - Answers

extension Manager.CellReply {
    /// - Parameter unanswered: how long Linux was stalled because the inmate did not answer; nil when that was not so.
    init(cell: Manager.Cell, unanswered: Duration?) {
        self.init(
            cell: cell,
            message: unanswered.map {
                """
                the inmate did not answer the shutdown request; the hypervisor stopped it after Linux had been stalled \
                for \($0.inWords)
                """
            })
    }
}

extension Manager.Reload.Reply {
    init(_ changes: DefinitionChanges) {
        self.init(
            added: changes.added, removed: changes.removed, changed: changes.changed, problems: changes.problems)
    }
}

extension Manager.ShutDownAll.Reply {
    init(_ result: ShutDownResult) {
        self.init(
            stopped: result.stopped,
            left: result.left.map { Manager.LeftCell(cell: $0.cell, message: $0.reason.whyNotStopped($0.cell)) },
            destroyed: result.destroyed.isEmpty ? nil : result.destroyed, disabled: result.notDisabled == nil,
            message: result.notDisabled?.whyNotDisabled)
    }
}
