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
            started: lifecycle.upSince.map(Clock.realTime(of:)))
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

extension Timings {
    var onWire: [Manager.Timing] {
        let times = commands.sorted { $0.key < $1.key }.map { Manager.Timing($0.key, $0.value) }
        return lateness.count == 0 ? times : [Manager.Timing("poll-lateness", lateness)] + times
    }
}

extension Manager.Timing {
    fileprivate init(_ name: String, _ sum: Timings.Sum) {
        self.init(of: name, count: sum.count, total: sum.total.microseconds, longest: sum.longest.microseconds)
    }
}

extension Manager.LostCPU {
    fileprivate init(_ loss: CPULosses.Loss) {
        self.init(
            cpu: loss.cpu, cell: loss.cell, stopped: loss.isStopped, reason: loss.reason, meaning: loss.meaning,
            console: loss.console.isEmpty ? nil : loss.console)
    }
}

// MARK: - The inventory

extension Inventory {
    func list() -> Manager.List.Reply {
        let pools = fleet.isEnabled ? reading?.pools ?? HypervisorView.Pools() : HypervisorView.Pools()
        let parked = losses.filter { !$0.isStopped }.map(\.cpu)
        let machine = Manager.Machine(
            enabled: fleet.isEnabled, system: system?.path, driver: fleet.hasDriver,
            version: Product.version, memPoolSize: pools.memorySize, memPoolUsed: pools.memoryUsed,
            remapPoolSize: pools.remapSize, remapPoolUsed: pools.remapUsed,
            enabling: fleet.isGoingToEnable, poolsAge: reading.map { $0.at.duration(to: .now).microseconds },
            lostCpus: parked.isEmpty ? nil : parked,
            deviceFaults: deviceFaults.counts.isEmpty ? nil : deviceFaults.counts.map(Manager.DeviceFault.init),
            inForce: systemInForce.flatMap {
                $0.path == system?.path && $0.isSame(as: system) ? nil : $0.path
            }, timings: timings.onWire, losses: losses.isEmpty ? nil : losses.map(Manager.LostCPU.init),
            refusedEnable: fleet.isEnabled ? nil : refusedEnable,
            deviceFaultOverflows: deviceFaults.overflows == 0 ? nil : deviceFaults.overflows)
        let known = names.compactMap { shown($0)?.onWire } + fleet.nameless.map { Manager.Cell($0, cpus: cpus(of: $0)) }
        return Manager.List.Reply(machine: machine, cells: known.sorted { $0.name < $1.name })
    }

    func describe(_ name: String) throws -> Manager.Details {
        if let cell = fleet.nameless.first(where: { $0.label == name }) {
            return Manager.Details(cell, cpus: cpus(of: cell))
        }
        var details = try known(name).details(statistics: statistics)
        details.failureCounts = failureCounts[name]?.sorted { $0.key < $1.key }
            .map { Manager.FailureCount(kind: $0.key, count: $0.value) }
        details.outdated = try known(name).isOutdated ? true : nil
        details.hint = pulses.hint(of: name)?.text
        let faults = deviceFaults.counts.filter { $0.cell == name }
        details.deviceFaults = faults.isEmpty ? nil : faults.map(Manager.DeviceFault.init)
        return details
    }

    func statistics(_ name: String) throws -> [Manager.Statistic] {
        _ = try known(name)
        return statistics.map { Manager.Statistic(name: $0.name, value: Int(clamping: $0.value)) }
    }

    func failures(_ name: String) throws -> [Manager.Failure] {
        try known(name).managed.failures.map(\.onWire)
    }

    func region(_ name: String) throws -> Manager.Region {
        guard let region = try known(name).region(platform: (systemInForce ?? system)?.descriptor.platform) else {
            throw error(.cell(name, .foreign))
        }
        return region
    }

    /// Every cell as it is, or one, for those who begin to watch.
    func changes(of name: String?) throws -> [Manager.Change] {
        if let name { return [try known(name).asChange] }
        return names.sorted().compactMap { shown($0)?.asChange }
    }

    /// - Parameter unanswered: how long Linux was stalled because the inmate did not answer; nil when that was not so.
    func reply(about name: String, unanswered: Duration?) -> Manager.CellReply {
        // it may have been forgotten meanwhile
        let cell = shown(name) ?? ShownCell(ManagedCell(name), nil, assignedCPUs: [])
        return Manager.CellReply(cell: cell.onWire, unanswered: unanswered)
    }

    /// Why nothing will follow from the end of a cell's operating system; nil: something will.
    func replyAboutEnd(of name: String) -> String? {
        let lifecycle = shown(name)?.lifecycle
        if lifecycle?.supervised == nil { return "the cell has no definition, and is not supervised" }
        return lifecycle?.isUp == true ? nil : "the cell does not run"
    }

    /// After a sign of life, or word that there was none.
    func replyAboutLife(of name: String) -> Manager.CellReply {
        let cell = shown(name) ?? ShownCell(ManagedCell(name), nil, assignedCPUs: [])
        let message =
            if cell.lifecycle.supervised == nil {
                "the cell has no definition, and is not supervised"
            } else if cell.lifecycle.supervised?.policy.liveness == nil {
                "its definition has no liveness rule: nothing follows from signs of life"
            } else if !cell.lifecycle.isUp {
                "the cell does not run"
            } else {
                nil as String?
            }
        return Manager.CellReply(cell: cell.onWire, message: message)
    }
}

extension Manager.DeviceFault {
    init(_ count: DeviceFaults.Count) {
        self.init(
            device: count.fault.device, cell: count.cell,
            address: count.fault.address.map { Int(truncatingIfNeeded: $0) },
            access: count.fault.access?.rawValue, unit: Int(clamping: count.fault.unit),
            code: Int(clamping: count.fault.code),
            count: count.count, last: count.last)
    }
}

extension SystemSource {
    /// As the hypervisor is given it: names of regions, which a state file does not keep, are for people.
    fileprivate func isSame(as other: SystemSource?) -> Bool {
        guard let other else { return false }
        guard let own = try? descriptor.binary(), let its = try? other.descriptor.binary() else {
            return descriptor == other.descriptor
        }
        return own == its
    }
}
