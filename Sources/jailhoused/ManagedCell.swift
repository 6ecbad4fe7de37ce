import CellConfiguration
import CellDefinition
import ControlInterface
import JailhouseInterface
import Supervision

/// A cell as the daemon knows it: its definition, its life, its failures.
struct ManagedCell {
    let name: String
    /// Nil for a foreign cell, and for one whose definition cannot be used.
    var definition: CellDefinition?
    /// Where the definition stands, usable or not.
    var definitionPath: String?
    /// Why the definition cannot be used, or not yet.
    var problem: String?
    /// What it waits for before it is brought up.
    var waitsFor: String?
    /// What its images were when they were judged.
    var images = JudgedImages()
    var lifecycle: CellLifecycle
    /// The CPUs that the hypervisor gave it; empty while it does not exist.
    var assignedCPUs: [Int] = []
    /// Newest last.
    var failures: [FailureRecord] = []

    init(foreign name: String, at now: Moment) {
        self.name = name
        lifecycle = CellLifecycle(nil, at: now)
    }

    init(_ definition: CellDefinition, memory: LifecycleMemory?, at now: Moment) {
        name = definition.name
        self.definition = definition
        definitionPath = definition.path
        lifecycle = CellLifecycle(definition.supervised, memory: memory, at: now)
    }

    var cpus: [Int] { assignedCPUs.isEmpty ? definition?.descriptor.cpus.members ?? [] : assignedCPUs }

    /// Whether there is anything left to show of it.
    var isForgettable: Bool {
        definitionPath == nil && lifecycle.condition == .absent && lifecycle.inFlight == nil
    }
}

extension CellDefinition {
    var supervised: Supervised {
        let handshake: Handshake =
            if descriptor.isPassive {
                .passive
            } else if descriptor.canFreezeRootCell {
                .unbounded(accepted: acceptsUnboundedHandshake)
            } else {
                .bounded
            }
        return Supervised(policy: policy, handshake: handshake)
    }
}

// MARK: - On the wire

extension ManagedCell {
    var onWire: Manager.Cell {
        let observation = lifecycle.sighting?.observation
        return Manager.Cell(
            name: name, id: observation?.id, state: observation?.state.rawValue,
            condition: lifecycle.condition.rawValue, cpus: cpus, failedCpus: observation?.failedCPUs ?? [],
            restarts: lifecycle.memory.restarts, since: Clock.realTime(of: lifecycle.since),
            sinceMonotonic: lifecycle.since.microseconds, defined: definition != nil)
    }

    func details(statistics: [(name: String, value: UInt64)]) -> Manager.Details {
        Manager.Details(
            cell: onWire, definition: definitionPath, problem: problem ?? waitsFor.map { "it \($0)" },
            images: definition?.images.map(\.path) ?? [], supervision: supervisionOnWire,
            lastFailure: failures.last?.onWire, console: failures.last?.console ?? [],
            vmExits: statistics.first { $0.name == "vmexits_total" }.map { Int(clamping: $0.value) })
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
        let memory = lifecycle.memory
        let x86 = platform?.x86
        return Manager.Region(
            address: descriptor.communicationRegion.map { Int(truncatingIfNeeded: $0.virtualStart) },
            abiRevision: 2, state: state?.rawValue, stateNumber: state?.number, passive: descriptor.isPassive,
            messageReplyTimeout: Int(clamping: descriptor.messageReplyTimeout),
            lastRequest: Manager.ShutdownRequest(
                outcome: (memory.lastAnswer ?? .notAsked).rawValue, at: memory.lastAnswerTime.map(Clock.realTime(of:))),
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

extension Platform {
    fileprivate var x86: X86Platform? {
        if case .x86(let platform) = specific { platform } else { nil }
    }
}
