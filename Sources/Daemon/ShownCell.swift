// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ControlInterface
import JailhouseInterface
import Supervision

/// A cell as clients see it: all that is known of it, in the types of the interface.
struct ShownCell {
    private(set) var managed: ManagedCell
    let lifecycle: CellLifecycle
    private let waitsFor: WaitReason?
    /// The CPUs that the hypervisor gave it; empty while it does not exist.
    private let assignedCPUs: [Int]

    /// - Parameter cell: nil for one that is only known by a definition that cannot be used.
    init(_ managed: ManagedCell, _ cell: FleetCell?, assignedCPUs: [Int]) {
        self.managed = managed
        lifecycle = cell?.lifecycle ?? CellLifecycle(nil, at: Clock.now())
        waitsFor = cell?.waitsFor
        self.assignedCPUs = assignedCPUs
    }

    /// The cell as it was, with what has been found out about it since.
    func with(_ managed: ManagedCell?) -> ShownCell {
        var cell = self
        if let managed { cell.managed = managed }
        return cell
    }

    private var definition: CellDefinition? { managed.definition }
    private var cpus: [Int] { assignedCPUs.isEmpty ? definition?.descriptor.cpus.members ?? [] : assignedCPUs }

    var onWire: Manager.Cell {
        let observation = lifecycle.sighting?.observation
        return Manager.Cell(
            name: managed.name, id: observation?.id, state: observation?.state.rawValue,
            condition: lifecycle.condition.rawValue, cpus: cpus, failedCpus: observation?.failedCPUs ?? [],
            restarts: lifecycle.memory.restarts, since: Clock.realTime(of: lifecycle.since),
            sinceMonotonic: lifecycle.since.microseconds, defined: definition != nil)
    }

    /// For those who begin to watch.
    var asChange: Manager.Change {
        Manager.Change(
            at: Clock.realTime(), kind: "current", cell: onWire, message: lifecycle.condition.rawValue, missed: 0)
    }

    private var problem: String? {
        if let problem = managed.problem { return problem }
        if let waitsFor { return "it \(waitsFor)" }
        if let unheard { return unheard }
        guard managed.isOutdated, lifecycle.sighting?.observation != nil else { return nil }
        return "its configuration has changed; it takes effect when the cell is destroyed and created again"
    }

    /// A rule that nobody follows.
    private var unheard: String? {
        guard let rule = lifecycle.supervised?.policy.liveness, let since = lifecycle.unheardSince,
            Clock.now() - since >= max(rule.afterStart, .seconds(5))
        else { return nil }
        switch definition?.liveness?.kind {
        case .heartbeat, .probe, .command:
            return """
                nobody looks for its signs of life, so its silence would not be noticed: systemctl start \
                jailhouse-check@\(managed.name)
                """
        case .console:
            return "its console cannot be read, so its silence would not be noticed: see jailhouse-ctl console"
        case .exits, .external, nil: return nil
        }
    }

    func details(statistics: [(name: String, value: UInt64)]) -> Manager.Details {
        Manager.Details(
            cell: onWire, definition: managed.definitionPath, problem: problem,
            images: definition?.images.map(\.path) ?? [], supervision: supervisionOnWire,
            lastFailure: managed.failures.last?.onWire, console: managed.failures.last?.console ?? [],
            vmExits: statistics.first { $0.name == "vmexits_total" }.map { Int(clamping: $0.value) },
            lastShutdown: lastShutdown, accepted: accepted, liveness: livenessOnWire)
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

    private var accepted: [String]? {
        guard let reasons = definition?.acceptedReasons, !reasons.isEmpty else { return nil }
        return reasons
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
            condition: Condition.foreign.rawValue, cpus: cpus, failedCpus: cell.observation.failedCPUs, restarts: 0,
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

extension Platform {
    fileprivate var x86: X86Platform? {
        if case .x86(let platform) = specific { platform } else { nil }
    }
}
