import CellConfiguration

/// A cell whose inmate really executes: what the machine says to it goes to the cell's own thread, and what happens
/// comes from there as events.
struct ExecutingProgram: CellProgram {
    /// Nil: the system had none left, and the cell never executes.
    private let thread: CellThread?
    private let cpus: [Int]
    /// Counts its starts.
    private var run = 0
    private var isStarted = false
    /// Paused by a fault, so that nobody finds out by itself.
    private var isHung = false
    private var hasEnded = false
    private var failedCPUs: Set<Int> = []
    /// What is answered in its place.
    private var answersShutdown: Reply?
    /// What it was told and has not done yet.
    private var orders = 0

    init(thread: CellThread?, cell: CellDescriptor) {
        self.thread = thread
        cpus = cell.cpus.members
    }

    var isAlive: Bool { isStarted && !hasEnded && failedCPUs.count < max(1, cpus.count) }
    var isHealthy: Bool { isAlive && !isHung && failedCPUs.isEmpty }
    var isBusy: Bool { orders > 0 }
    var runsWhatIsThere: Bool { true }

    func created() {
        thread?.order(.prepare)
    }

    mutating func started(as cell: CellDescriptor) -> [CellEvent] {
        run += 1
        guard thread != nil else { return [.ended("it cannot execute: the system has no thread left")] }
        isStarted = true
        isHung = false
        hasEnded = false
        failedCPUs = []
        tell(.start(run: run))
        return []
    }

    mutating func stopped() {
        isStarted = false
        tell(.stop)
    }

    mutating func destroyed() {
        isStarted = false
        tell(.end)
    }

    private mutating func tell(_ order: CellThread.Order) {
        guard let thread else { return }
        orders += 1
        thread.order(order)
    }

    func answer(to message: Message) -> Answer {
        guard isAlive, !isHung else { return .silence }
        if message == .shutdownRequest, let answersShutdown { return .reply(answersShutdown) }
        thread?.order(.send(message))
        return .pending
    }

    mutating func accepts(_ event: CellEvent, run: Int) -> Bool {
        switch event {
        case .ready:
            orders -= 1
            return true
        case .printed, .noted, .counted: return true
        case .ended:
            isStarted = false
            return true
        default: break
        }
        // a cell that was stopped says nothing more, whatever is on its way
        guard run == self.run, isStarted, !isHung else { return false }
        switch event {
        case .parked(let cpu, _): failedCPUs.insert(cpu)
        case .wroteState(let state): hasEnded = state == .shutDown || state == .failed
        default: break
        }
        return true
    }

    // MARK: faults

    mutating func play(_ fault: Fault) -> [CellEvent]? {
        switch fault {
        case .deny: answersShutdown = .denied
        case .approve: answersShutdown = .approved
        default: return isAlive ? playAlive(fault) : nil
        }
        return []
    }

    func obstacle(to fault: Fault) -> String? {
        guard case .failCPU(let cpu, _) = fault else { return nil }
        return cpus.contains(cpu)
            ? "its inmate really executes, and one of its CPUs alone cannot be made to fail; fail stops all of them"
            : "CPU \(cpu) is not one of its own"
    }

    private mutating func playAlive(_ fault: Fault) -> [CellEvent]? {
        switch fault {
        case .fail(let violation): return fail(violation)
        case .failCPU(let cpu, let violation): return cpus == [cpu] ? fail(violation) : nil
        case .shutDown: return end(.shutDown)
        case .giveUp: return end(.failed)
        case .abiMismatch: return end(.abiMismatch)
        case .hang:
            isHung = true
            thread?.order(.pause)
            return []
        case .lock: return write(.runningLocked)
        case .unlock: return write(.running)
        case .writeUnknownState: return write(.unknown)
        case .print(let text): return [.printed(text + "\r\n")]
        case .deny, .approve, .loseNextStart: return nil
        }
    }

    /// What the hypervisor does to a cell that has failed, and what it says; that nothing of it is the inmate's is
    /// said, too.
    private mutating func fail(_ violation: Violation) -> [CellEvent] {
        let failing = cpus.filter { !failedCPUs.contains($0) }
        failedCPUs.formUnion(failing)
        thread?.order(.write(.failed))
        thread?.order(.pause)
        return failing.map { .failed(cpu: $0, violation) }
            + [.noted("The failure was injected: neither access nor registers are the inmate's")]
    }

    private mutating func end(_ state: CellState) -> [CellEvent] {
        hasEnded = state != .abiMismatch
        isHung = !hasEnded
        thread?.order(.write(state))
        thread?.order(.pause)
        return [.wroteState(state)]
    }

    /// Into its communication region, where its inmate finds it.
    private func write(_ state: CellState) -> [CellEvent] {
        thread?.order(.write(state))
        return [.wroteState(state)]
    }
}
