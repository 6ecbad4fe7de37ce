// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellMachine
import Glibc
import Synchronization
import SystemCalls
import SystemPackage

/// A machine that runs: a ``Machine`` on the real clock, and the device and sysfs that show it to other programs.
///
/// Nothing of it needs privileges. Other programs are in it when they are started with ``environment``.
package final class SimulatedMachine: Sendable {
    package let directory: MachineDirectory
    package let memory: PhysicalMemory
    private let programs: ProgramFaultTable
    /// Nil: they are scripted.
    private let executing: ExecutingCells?

    private let state: Mutex<State>
    private let clock = ContinuousClock()
    private let switchedOn: ContinuousClock.Instant
    private let onReport: @Sendable (String) -> Void
    /// For the thread that waits for the next moment.
    private let bell = Bell()

    private struct State: Sendable {
        var machine: Machine
        var testbed: Testbed?
        var sysfs: SysfsDirectory?
        /// The machine's ``Machine/changes`` when sysfs was written.
        var shown: UInt64 = 0
        var control: ControlSocket?
        var thread: BackgroundThread?
        var calls: [RequestID: DeviceCall] = [:]
        /// Loads whose images could not be written to the machine's memory, and why.
        var lost: [RequestID: Refusal] = [:]
        var readers: [WaitingReader] = []
        var isStopping = false

        /// When the machine or a reader has something to do next.
        var nextMoment: Duration? {
            // a frozen machine shows nothing
            let looks = machine.standsStill ? nil : readers.lazy.map(\.nextLook).min()
            // a reader of the root cell is not reported here
            let readers = machine.isLeavingHypervisor ? machine.now + .milliseconds(1) : nil
            return [machine.wakeUp, looks, readers].compactMap { $0 }.min()
        }
    }

    /// Switches a machine on.
    ///
    /// - Parameters:
    ///   - directory: is made, and removed by ``stop()``; one that a dead simulator left behind is taken over.
    ///   - deviceMode: of `/dev/jailhouse`.
    ///   - cells: what runs in them.
    ///   - keepsTogether: whether umockdev's directory is made inside the machine's. It means to change this
    ///     process's TMPDIR before umockdev is used for the first time: so only for one machine a process.
    ///   - onReport: called with what happens, a line each, one after the other, on any thread.
    /// - Throws: ``SimulatorError`` `directory` when it is in use, `device` when umockdev refuses, `execution` when
    ///   cells cannot execute in so much memory.
    package init(
        directory path: String, settings: MachineSettings = MachineSettings(), deviceMode: UInt32 = 0o600,
        cells: CellExecution = .scripted, keepsTogether: Bool = false,
        onReport: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(SimulatorError) {
        directory = try MachineDirectory(serving: path)
        if keepsTogether { setenv("TMPDIR", directory.path, 1) }
        do {
            let file = directory.path + "/memory"
            switch cells {
            case .scripted:
                memory = try PhysicalMemory(path: file, size: settings.memoryEnd)
                executing = nil
            case .executing(let execution):
                try SimulatedMachine.checkLayout(settings)
                let shared = try MachineMemory(
                    path: file, size: PhysicalMemory.sharedSize(for: settings),
                    layout: MachineLayout(settings.architecture))
                memory = PhysicalMemory(shared: shared, size: settings.memoryEnd)
                let small = directory.path + "/cells"
                try SystemCall.makeDirectory(small, mode: 0o700)
                executing = ExecutingCells(
                    execution, memory: shared, memoryEnd: settings.memoryEnd, directory: small)
            }
            programs = try ProgramFaultTable(path: directory.path + "/programs", mode: deviceMode)
        } catch {
            directory.remove()
            throw error as? SimulatorError ?? SimulatorError(.directory, "\(error)")
        }
        self.onReport = onReport
        switchedOn = clock.now
        state = Mutex(State(machine: Machine(settings: settings, inmates: executing == nil ? .scripted : .executing)))
        do {
            try switchOn(deviceMode: deviceMode, settings)
        } catch {
            stop()
            throw error
        }
    }

    /// Where cells execute there is no memory below 4 GiB but the first 2, of which their monitors have the end.
    private static func checkLayout(_ settings: MachineSettings) throws(SimulatorError) {
        let reserved = settings.reservedMemory
        guard
            settings.architecture != .x86 || reserved.upperBound <= 2 << 30
                || reserved.lowerBound >= MachineLayout.highBegin
        else {
            throw SimulatorError(
                .execution,
                "in a machine of \(settings.memory >> 20) MiB what is kept for cells would lie between 2 and 4 GiB, "
                    + "where no memory is when cells execute: give it up to 2 GiB or from 5462 MiB on, or scripted cells"
            )
        }
    }

    private func switchOn(deviceMode: mode_t, _ settings: MachineSettings) throws(SimulatorError) {
        let testbed = try Testbed(handler: self, mode: deviceMode, format: settings.format)
        state.withLock { $0.testbed = testbed }
        do {
            let sysfs = try SysfsDirectory(path: testbed.root + "/sys/devices/jailhouse")
            try LinuxFiles.write(below: testbed.root, settings)
            state.withLock { $0.sysfs = sysfs }
            try directory.link(root: testbed.root)
        } catch {
            throw SimulatorError(.directory, "\(error)")
        }
        let control = try ControlSocket(path: directory.path + "/machine", machine: self)
        let thread = BackgroundThread { [self] in keepTime() }
        state.withLock {
            $0.control = control
            $0.thread = thread
            // so that sysfs is complete before anybody can look
            pump(&$0)
        }
    }

    /// What a program's environment needs for it to be in the machine.
    package var environment: [String: String] {
        get throws(SimulatorError) { try MachineDirectory.environment(ofMachineAt: directory.path) }
    }

    /// Switches the machine off and removes what it has in the file system. umockdev ends clients that are in a
    /// call; those of a frozen machine, for example.
    package func stop() {
        let last: State? = state.withLock { state in
            guard !state.isStopping else { return nil }
            state.isStopping = true
            return state
        }
        guard let last else { return }
        bell.ring()
        last.control?.close()
        last.thread?.join()
        executing?.end()
        last.testbed?.close()
        state.withLock { $0 = State(machine: $0.machine, isStopping: true) }
        directory.remove()
    }

    // MARK: what can be done to it

    /// Plays a fault in a cell; see ``Machine/inject(_:into:)``.
    package func inject(_ fault: Fault, into cell: String) throws(SimulatorError) {
        try change { (machine) throws(SimulatorError) in try machine.inject(fault, into: cell) }
    }

    /// Lets calls of programs in the machine fail.
    package func inject(_ fault: ProgramFault) throws(SimulatorError) {
        try programs.add(fault)
        onReport("fault: \(fault)")
    }

    /// The faults in programs that are not used up.
    package var programFaults: [ProgramFault] { programs.current }

    /// Ends all faults but those in cells.
    package func clearFaults() {
        programs.clear()
        change { $0.clearFaults() }
    }

    /// See ``Machine/thaw()``.
    package func thaw() {
        change { $0.thaw() }
    }

    /// Does something to the machine at this moment, and shows what came of it.
    package func change<Result: Sendable, Failure: Error>(
        _ body: (inout Machine) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { bell.ring() }
        return try state.withLock { (state) throws(Failure) in
            defer { pump(&state) }
            advance(&state)
            return try body(&state.machine)
        }
    }

    /// See ``Machine/doBehindTheBack(_:)``; waits while another tool is at it. What has to wait for the driver's lock is
    /// done when that is free.
    ///
    /// - Throws: ``SimulatorError`` `refused`: which step.
    func doBehindTheBack(_ steps: [OtherToolStep]) throws(SimulatorError) {
        let number = change { $0.doBehindTheBack(steps) }
        let deadline = clock.now + Self.otherToolPatience
        var machine = machine
        while machine.isOtherToolBusy(with: number), clock.now < deadline {
            SystemCall.sleep(for: .milliseconds(2))
            machine = self.machine
        }
        if let refusal = machine.otherToolEnd(of: number)?.refusal { throw SimulatorError(.refused, refusal) }
    }

    /// A cell that executes may take its time to be stopped.
    private static let otherToolPatience = Duration.seconds(5)

    /// The machine as it is at this moment.
    package var machine: Machine {
        state.withLock { state in
            pump(&state)
            return state.machine
        }
    }

    /// Something that the inmate of a cell did by itself; see ``Machine/deliver(_:from:run:)``.
    func deliver(_ events: [CellEvent], from incarnation: UInt64, run: Int) {
        let concerns: Bool = state.withLock { state in
            guard !state.isStopping else { return false }
            advance(&state)
            state.machine.deliver(events, from: incarnation, run: run)
            pump(&state)
            return state.nextMoment != nil
        }
        if concerns { bell.ring() }
    }

    /// The thread of a cell that executes, which has its COM1.
    ///
    /// - Throws: ``SimulatorError`` `cell` or `condition`: why there is none.
    func thread(ofCell name: String) throws(SimulatorError) -> CellThread {
        let cells = machine.cells.filter { !$0.isRoot }
        guard let cell = cells.first(where: { $0.name == name }) else {
            let names = cells.map(\.name)
            throw SimulatorError(
                .cell,
                "there is no cell \"\(name)\"; "
                    + (names.isEmpty ? "none has been created" : "there are \(names.joined(separator: ", "))"))
        }
        guard let executing else {
            throw SimulatorError(
                .condition, "cell \"\(name)\" is scripted and does not execute: serve the machine with --cells execute")
        }
        guard let thread = executing.thread(of: cell.incarnation) else {
            throw SimulatorError(.condition, "cell \"\(name)\" is ending")
        }
        return thread
    }

    /// The thread of a cell that is to be debugged; nil when the cell does not exist yet and may come later.
    ///
    /// - Throws: as ``thread(ofCell:)``.
    func debuggedThread(ofCell name: String, mayComeLater: Bool) throws(SimulatorError) -> CellThread? {
        if mayComeLater, executing != nil, !machine.cells.contains(where: { $0.name == name && !$0.isRoot }) {
            return nil
        }
        return try thread(ofCell: name)
    }

    /// Keeps a debugger for a cell that does not exist yet.
    func keep(_ debugger: CellThread.DebugRequest, forCell name: String) {
        executing?.keep(debugger, forCell: name)
    }

    // MARK: time

    private var elapsed: Duration { clock.now - switchedOn }

    /// Wakes whenever the machine has something to do, until ``stop()``.
    private func keepTime() {
        while true {
            let next: (isStopping: Bool, pause: Duration?) = state.withLock { state in
                guard !state.isStopping else { return (true, nil) }
                pump(&state)
                return (false, state.nextMoment.map { max(.zero, $0 - elapsed) })
            }
            if next.isStopping { return }
            bell.wait(atMost: next.pause)
        }
    }

    private func advance(_ state: inout State) {
        // before the moment at which it is too late for that
        if let (process, file) = programs.takeReader() {
            let name = (try? SystemCall.contents(ofFile: "/proc/\(process)/comm", limit: 64)) ?? []
            let text = String(decoding: name.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            state.machine.rootCellWasRead(by: "\(text) (\(process))", file: file)
        }
        state.machine.advance(to: elapsed)
    }

    /// Brings the machine to this moment and does what it wants done. sysfs shows what an answer is about before
    /// the answer is given.
    private func pump(_ state: inout State) {
        var answers: [(RequestID, Refusal?)] = []
        var effects: [Effect]
        repeat {
            advance(&state)
            effects = state.machine.takeEffects()
            for effect in effects { perform(effect, &state, &answers) }
        } while !effects.isEmpty
        var reading = ProgramFaultTable.Reading()
        if state.machine.isLeavingHypervisor { reading.insert(.killsReadersOfRoot) }
        if state.machine.isLockHeld { reading.insert(.waitsForLock) }
        programs.set(reading)
        if !state.machine.standsStill {
            showSysfs(&state)
            serveReaders(&state)
        }
        for (id, refusal) in answers { state.calls.removeValue(forKey: id)?.complete(refusal) }
    }

    private func perform(_ effect: Effect, _ state: inout State, _ answers: inout [(RequestID, Refusal?)]) {
        switch effect {
        case .report(let line): onReport(line)
        case .answered(let id, let refusal):
            let lost = state.lost.removeValue(forKey: id)
            answers.append((id, refusal ?? lost))
        case .store(let id, let image, let address, let cell):
            state.lost[id] =
                store(state.calls[id]?.images[image] ?? [], at: address, of: cell, &state) ?? state.lost[id]
        case .write(let bytes, let address, let cell): _ = store(bytes, at: address, of: cell, &state)
        case .add(let descriptor, let system, let cell):
            // it is there until the machine is switched off, and so are its cells
            executing?.add(descriptor, of: system, cell) { [self] in deliver($0, from: cell, run: $1) }
        case .order(let order, let cell):
            state.machine.deliver(executing?.perform(order, in: cell) ?? [], from: cell)
        }
    }

    /// - Returns: why it could not be written, which a full disk is a reason for.
    private func store(_ bytes: [UInt8], at address: UInt64, of cell: UInt64, _ state: inout State) -> Refusal? {
        let part = memory.available(bytes, at: address)
        if part.count < bytes.count {
            onReport(
                "lost: not all of the image for 0x\(String(address, radix: 16)) is in the machine's memory, of "
                    + "\(memory.size >> 20) MiB")
        }
        if let executing {
            state.machine.deliver(executing.store(Array(part), at: address, in: cell), from: cell)
        } else {
            do {
                try memory.store(part, at: address)
            } catch {
                onReport("lost: the image for 0x\(String(address, radix: 16)): \(error)")
                return Refusal(rawValue: error.errno.rawValue)
            }
        }
        return nil
    }

    private func showSysfs(_ state: inout State) {
        guard state.machine.changes != state.shown, state.sysfs != nil else { return }
        state.shown = state.machine.changes
        do {
            try state.sysfs?.show(state.machine.sysfs)
        } catch {
            onReport("sysfs cannot be shown: \(error)")
        }
        do {
            try executing?.tell(state.machine.hypervisorNumbers)
        } catch {
            onReport("cells cannot be told of the hypervisor's pools: \(error)")
        }
        state.machine.wasShown(at: elapsed)
    }

    private func serveReaders(_ state: inout State) {
        let now = state.machine.now
        let poll = state.machine.settings.timing.consolePoll
        state.readers = state.readers.compactMap { reader in
            var reader = reader
            guard reader.nextLook <= now || poll == .zero else { return reader }
            return reader.look(at: state.machine.console, now: now) ? nil : reader
        }
    }
}

extension SimulatedMachine: TestbedHandler {
    func received(_ request: Request, _ call: DeviceCall) {
        // before waiting for whatever else goes on in the machine
        let arrival = elapsed
        let isWaiting = state.withLock { state in
            advance(&state)
            let id = state.machine.submit(request, at: arrival)
            state.calls[id] = call
            pump(&state)
            return state.nextMoment != nil
        }
        if isWaiting { bell.ring() }
    }

    func wantsToRead(_ call: DeviceCall, _ file: OpenedDevice, limit: Int, isNonBlocking: Bool) {
        let isWaiting = state.withLock { state in
            advance(&state)
            state.readers.append(
                WaitingReader(
                    call: call, file: file, limit: limit, isNonBlocking: isNonBlocking, nextLook: state.machine.now))
            pump(&state)
            return state.nextMoment != nil
        }
        if isWaiting { bell.ring() }
    }
}
