// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import CellMachine
import Synchronization
import SystemCalls

/// The thread of a cell that executes: all that takes time happens on it, one after the other. It also looks what the
/// inmate writes into its communication region, as long as it runs.
final class CellThread: Sendable {
    enum Order: Sendable {
        /// As the machine gives it.
        case given(CellOrder)
        /// A part of an image, and where it belongs.
        case store([UInt8], at: UInt64)
        /// To COM1.
        case input([UInt8])
        /// A CPU is held at its instruction: everything is stopped until a debugger or the next start.
        case freeze
        /// A debugger wants to attach.
        case debug(DebugRequest)
    }

    /// A debugger that waits for its session.
    struct DebugRequest: Sendable {
        /// What it takes the CPUs for; nil: as they are.
        let architecture: String?
        /// Whether it waits for the next start, of which it sees the first instruction.
        let waits: Bool
        let answer: @Sendable (Result<DebugSession, SimulatorError>) -> Void
    }

    typealias MakeMachine =
        @Sendable (@escaping @Sendable (CellMachineEvent) -> Void) throws(CellMachineError) -> CellMachine

    /// How often the state of a running cell is looked at; `state` in sysfs is not fresher, but for violations, which
    /// come by themselves.
    private static let look = Duration.milliseconds(2)
    /// The same when nothing has changed for a while: an idle cell must cost nothing.
    private static let calmLook = Duration.milliseconds(8)
    private static let calm = Duration.milliseconds(200)
    /// How often its reply is while Linux is stalled for it.
    private static let lookForReply = Duration.microseconds(200)
    /// How often its exits are counted.
    private static let count = Duration.milliseconds(250)

    let console = SerialConsole()
    private let make: MakeMachine
    private let memory: MachineMemory
    private let deliver: @Sendable ([CellEvent], Int) -> Void
    private let release: @Sendable () -> Void
    private let bell = Bell()
    private let shared = Mutex(Shared())

    private struct Shared {
        var orders: [Order] = []
        /// Of the last start that has happened.
        var run = 0
        /// QEMU's end is no news.
        var isEnding = false
    }

    /// What only the thread itself knows.
    private struct Work {
        var machine: CellMachine?
        var isRunning = false
        var state = CellState.Word.running
        var awaitsReply = false
        var changed = ContinuousClock.now
        /// Of the QEMU processes before this one.
        var earlier: [Int: ExitStatistics] = [:]
        /// The machine counts them itself.
        var starts: UInt64 = 0
        var counts: [Int: ExitStatistics] = [:]
        var nextCount = ContinuousClock.now
        /// Waits for the next start.
        var debugger: DebugRequest?
    }

    /// - Parameters:
    ///   - memory: the machine's.
    ///   - make: starts QEMU.
    ///   - release: gives back what QEMU had of the machine, before anybody hears that it has ended.
    ///   - deliver: takes what happened, and after which start.
    init(
        memory: MachineMemory, make: @escaping MakeMachine, release: @escaping @Sendable () -> Void,
        deliver: @escaping @Sendable ([CellEvent], Int) -> Void
    ) {
        self.memory = memory
        self.make = make
        self.release = release
        self.deliver = deliver
    }

    func order(_ order: Order) {
        shared.withLock { $0.orders.append(order) }
        bell.ring()
    }

    // MARK: the thread

    /// Until it is ordered to end.
    func live() {
        var work = Work()
        while true {
            let orders = shared.withLock { shared in
                defer { shared.orders = [] }
                return shared.orders
            }
            for order in orders {
                if case .given(.end) = order {
                    end(&work)
                    return
                }
                perform(order, &work)
            }
            if work.isRunning { look(&work) }
            bell.wait(atMost: work.isRunning ? pause(work) : nil)
        }
    }

    private func pause(_ work: borrowing Work) -> Duration {
        if work.awaitsReply { return CellThread.lookForReply }
        return ContinuousClock.now - work.changed < CellThread.calm ? CellThread.look : CellThread.calmLook
    }

    private func perform(_ order: Order, _ work: inout Work) {
        switch order {
        case .given(let order): perform(order, &work)
        case .store(let bytes, let address):
            store(bytes, at: address, work.machine)
            tell(.ready)
        case .input(let bytes): work.machine?.serialInput(bytes)
        case .freeze: work.machine?.freeze()
        case .debug(let request): debug(request, &work)
        }
    }

    private func perform(_ order: CellOrder, _ work: inout Work) {
        switch order {
        case .prepare: prepare(&work)
        case .start(let run): start(run, &work)
        case .stop, .pause: halt(&work)
        case .send(let message):
            work.machine?.send(message.rawValue)
            work.awaitsReply = true
        case .write(let state):
            work.machine?.setState(state.rawValue)
            work.state = state
        case .end: break
        }
        if order.isAwaited { tell(.ready) }
    }

    /// What does not fit into the memory has been left out before.
    private func store(_ bytes: [UInt8], at address: UInt64, _ machine: CellMachine?) {
        if let machine, machine.processID != nil {
            do {
                return try machine.load(bytes, at: address, into: memory)
            } catch {
                // QEMU's exit is reported by its own thread
                if error.code != .ended { giveUp(machine, "it cannot be loaded: \(error)", error) }
            }
        }
        // another QEMU will find it there
        try? memory.write(bytes, at: address)
    }

    private func end(_ work: inout Work) {
        shared.withLock { $0.isEnding = true }
        work.debugger?.answer(.failure(SimulatorError(.condition, "the cell was destroyed before it was started")))
        work.debugger = nil
        halt(&work)
        work.machine?.terminate()
        work.machine = nil
        release()
        console.close()
        tell(.ready)
    }

    /// - Returns: whether there is a QEMU process now.
    @discardableResult
    private func prepare(_ work: inout Work) -> Bool {
        if work.machine?.processID != nil { return true }
        if work.machine != nil {
            work.earlier = work.counts
            work.starts = 0
            work.machine = nil
        }
        do {
            work.machine = try make { [weak self] event in self?.hear(event) }
            return true
        } catch {
            tell(.ended("it cannot execute: \(error)"))
            return false
        }
    }

    private func start(_ run: Int, _ work: inout Work) {
        halt(&work)
        guard prepare(&work), let machine = work.machine else { return }
        shared.withLock { $0.run = run }
        work.state = .running
        work.changed = .now
        work.starts += 1
        console.begin()
        let debugger = work.debugger
        work.debugger = nil
        do throws(CellMachineError) {
            if let debugger {
                try start(machine, for: debugger)
            } else {
                try machine.start()
            }
            work.isRunning = true
        } catch {
            giveUp(machine, "it cannot be started: \(error)", error)
        }
    }

    /// One that cannot debug it must not keep it from starting.
    private func start(_ machine: CellMachine, for debugger: DebugRequest) throws(CellMachineError) {
        do throws(CellMachineError) {
            debugger.answer(.success(try machine.startDebugged(as: debugger.architecture)))
        } catch {
            debugger.answer(.failure(SimulatorError(error)))
            guard error.code == .debugged else { throw error }
            try machine.start()
        }
    }

    /// What it did until then has been reported when this returns.
    private func halt(_ work: inout Work) {
        work.awaitsReply = false
        guard work.isRunning, let machine = work.machine else { return }
        work.isRunning = false
        do {
            try machine.park()
        } catch {
            // QEMU's exit is reported by its own thread
            if error.code != .ended { giveUp(machine, "it cannot be stopped: \(error)", error) }
        }
        machine.catchUp()
        count(&work)
    }

    /// A QEMU that does not obey may still execute: it is ended, and the next start has another one.
    private func giveUp(_ machine: CellMachine, _ what: String, _ error: CellMachineError) {
        let isEnding = shared.withLock { shared in
            defer { shared.isEnding = true }
            return shared.isEnding
        }
        if error.code != .ended { machine.terminate() }
        shared.withLock { $0.isEnding = isEnding }
        tell(.ended(what))
    }

    private func debug(_ request: DebugRequest, _ work: inout Work) {
        if request.waits {
            work.debugger?.answer(.failure(.replacedDebugger))
            work.debugger = request
            return
        }
        guard work.isRunning, let machine = work.machine else {
            return request.answer(
                .failure(
                    SimulatorError(.condition, "the cell is not running; with --wait its next start is waited for")))
        }
        do {
            request.answer(.success(try machine.debug(as: request.architecture)))
        } catch {
            request.answer(.failure(SimulatorError(error)))
        }
    }

    // MARK: what the inmate does

    private func look(_ work: inout Work) {
        guard let machine = work.machine else { return }
        if work.awaitsReply, case let word = machine.reply, word != 0 {
            work.awaitsReply = false
            tell(.answered(CommunicationRegion.Reply(rawValue: word) ?? .unknown))
        }
        let state = CellState.Word(rawValue: machine.state)
        // the monitor's word comes with the violation that it is for
        let isMonitors = state == .failed && machine.failedCPUCount >= machine.cell.cpus.members.count
        if state != work.state, !isMonitors {
            work.state = state
            work.changed = .now
            // what it printed before comes before
            machine.catchUp()
            count(&work)
            tell(.wroteState(state))
        } else if ContinuousClock.now >= work.nextCount {
            count(&work)
        }
    }

    private func count(_ work: inout Work) {
        work.nextCount = ContinuousClock.now + CellThread.count
        guard let machine = work.machine else { return }
        var counts = work.earlier
        for (cpu, exits) in machine.exits() {
            var exits = exits
            exits[.management] = exits[.management].map { $0 - min($0, work.starts) }
            counts[cpu, default: ExitStatistics()] = counts[cpu, default: ExitStatistics()] + ExitStatistics(exits)
        }
        guard counts != work.counts else { return }
        work.counts = counts
        tell(.counted(counts))
    }

    private func tell(_ event: CellEvent) {
        deliver([event], shared.withLock { $0.run })
    }

    /// On QEMU's thread, or on this one.
    private func hear(_ event: CellMachineEvent) {
        switch event {
        case .printed(let text): tell(.printed(text))
        case .noted(let line): tell(.noted(line))
        case .violation(let cpu, let report): tell(.parked(cpu: cpu, report))
        case .held(let cpu, let report):
            order(.freeze)
            tell(.held(cpu: cpu, report))
        case .serial(let bytes): console.append(bytes)
        case .ended(let why):
            if !shared.withLock({ $0.isEnding }) { tell(.ended("QEMU is gone: \(why)")) }
        }
    }
}

extension SimulatorError {
    static let replacedDebugger = SimulatorError(.condition, "another debugger has taken its place")

    fileprivate init(_ error: CellMachineError) {
        self.init(error.code == .debugged ? .condition : .execution, "\(error)")
    }
}
