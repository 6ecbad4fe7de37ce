// SPDX-License-Identifier: Apache-2.0

package import JailhouseInterface
package import CellConfiguration
import Glibc
import Synchronization
import SystemCalls

/// A cell whose inmate executes: a QEMU process, in it the cell monitor, which runs the inmate within the walls of
/// its configuration.
///
/// Its calls may come from any thread; each waits for the one before.
package final class CellMachine: Sendable {
    package let cell: CellDescriptor
    /// As the system configuration has them.
    let settings: CellMachineSettings
    let layout: MachineLayout
    private let model: any MachineModel
    let area: SharedArea
    private let contents: [UInt8]
    let emulator: EmulatorProcess
    private let ends: LinkEnds
    private let listener: Listener
    let status = Mutex(Status())

    struct Status {
        var hasStarted = false
        var isRunning = false
        var isDebugged = false
        /// The debugger has it standing still, whatever the machine lets it do.
        var isHeldByDebugger = false
        /// How many there have been.
        var debuggers = 0
        /// Of the starts before the last.
        var exits: [Int: [ExitReason: UInt64]] = [:]
    }

    /// Starts QEMU, with stopped CPUs, and prepares the cell's tables.
    ///
    /// - Parameters:
    ///   - system: nil: the settings say where the PM timer and PCI's configuration space are, and an Arm64 machine is
    ///     QEMU's virt machine with GICv3.
    ///   - slot: 0 to 15, another for each cell: which part of the machine's memory is its monitor's.
    ///   - devices: what is in the machine's PCI slots; the cell gets those that its configuration lists.
    ///   - legacyDevices: what the hypervisor would not give to it.
    ///   - onEvent: called on a thread of this cell's.
    /// - Throws: ``CellMachineError``.
    package init(
        cell: CellDescriptor, system: SystemDescriptor? = nil, slot: Int, devices: [SimulatedDevice] = [],
        legacyDevices: Set<LegacyDevice> = [], settings: CellMachineSettings,
        onEvent: @escaping @Sendable (CellMachineEvent) -> Void
    ) throws(CellMachineError) {
        self.cell = cell
        layout = MachineLayout(cell.architecture)
        guard (0..<MachineMemory.slotLimit).contains(slot) else {
            throw CellMachineError(.configuration, "there is room for \(MachineMemory.slotLimit) cells that execute")
        }
        switch cell.architecture {
        case .x86:
            model = try X86Model(
                cell, system, slot: slot, devices: devices, legacyDevices: legacyDevices, settings: settings)
        case .arm64: model = try Arm64Model(cell, system, slot: slot, settings: settings)
        case .arm: throw CellMachineError(.configuration, "cells for 32-bit Arm do not execute")
        }
        self.settings = model.settings
        area = try SharedArea(
            memoryFile: settings.memoryFile, memorySize: settings.memorySize, slot: slot,
            architecture: cell.architecture)
        ends = try LinkEnds(of: cell, slot: slot, settings: settings)
        let command = try model.prepare()
        let listener = Listener(cell: cell, area: area, ends: ends, onEvent: onEvent)
        self.listener = listener
        do {
            emulator = try EmulatorProcess(command) { listener.hear($0) }
        } catch {
            model.removeFiles()
            throw error
        }
        if cell.architecture == .arm64 {
            DoorbellExchange.listen(settings.directory, slot: slot) { [weak emulator] in emulator?.ringBell() }
        }
        do {
            contents = try model.contents(monitor: try CellMachine.contents(of: settings.monitor), emulator)
        } catch {
            emulator.terminate()
            model.removeFiles()
            throw error
        }
    }

    deinit {
        terminate()
    }

    /// Resets CPUs and devices, clears and fills the communication region, and lets the first CPU run from the
    /// reset address. The images are in the machine's memory by then; the rest of it is as it was.
    ///
    /// - Throws: ``CellMachineError`` `ended` or `emulator`.
    package func start() throws(CellMachineError) {
        try status.withLock { status throws(CellMachineError) in
            try begin(&status)
            // a debugger that has it standing still lets it run
            if !status.isHeldByDebugger { try emulator.control.execute("cont", until: "RESUME") }
            status.isRunning = true
        }
    }

    /// As ``start()``, but no CPU executes an instruction of the cell until a debugger lets it.
    ///
    /// - Returns: a connection to QEMU's gdb stub: see ``attachDebugger()``.
    func startHeld() throws(CellMachineError) -> OwnedDescriptor {
        try status.withLock { status throws(CellMachineError) in
            guard !status.isDebugged else { throw CellMachineError(.debugged, "the cell is being debugged already") }
            try begin(&status)
            let count = cell.cpus.members.count
            for index in 0..<count { area.setHeld(true, cpu: index) }
            try emulator.control.execute("cont", until: "RESUME")
            status.isRunning = true
            let deadline = ContinuousClock.now + settings.patience
            while area.arrivedCount < count {
                guard ContinuousClock.now < deadline else {
                    throw CellMachineError(.emulator, "the cell's CPUs do not arrive in the monitor")
                }
                SystemCall.sleep(for: .milliseconds(1))
            }
            let stub = try attach(&status)
            area.releaseAll()
            return stub
        }
    }

    /// All but letting the CPUs run.
    private func begin(_ status: inout Status) throws(CellMachineError) {
        try halt(&status)
        if status.hasStarted {
            status.exits = total(status)
            try emulator.control.execute("system_reset", until: "RESET")
        }
        let frequency = TimeStampCounter.kHz
        area.fill(contents, communicationPage: communicationPage(tscKHz: frequency).bytes, measures: frequency == 0)
        status.hasStarted = true
    }

    /// Writes an image, or a part of one, into the machine's memory, where the cell finds it at its next start. The
    /// cell is parked first.
    ///
    /// QEMU is made to forget what it has translated of the bytes that are replaced, and only of those: a restart
    /// with the same image executes at once.
    ///
    /// - Parameters:
    ///   - address: physical.
    ///   - memory: the machine's.
    /// - Throws: ``CellMachineError`` `memory` when not all of it is RAM, `ended` or `emulator`.
    package func load(
        _ bytes: [UInt8], at address: UInt64, into memory: MachineMemory
    ) throws(CellMachineError) {
        try status.withLock { status throws(CellMachineError) in
            try halt(&status)
            let size = settings.memorySize
            if model.translates, status.hasStarted,
                let place = layout.machineAddress(of: address, count: UInt64(bytes.count), size: size)
            {
                let changed = try memory.differences(from: bytes, at: address)
                try emulator.memory.clear(
                    changed.map { place + UInt64($0.lowerBound)..<place + UInt64($0.upperBound) })
            }
            try memory.write(bytes, at: address)
        }
    }

    /// When this returns, no CPU of the cell executes any more.
    ///
    /// - Throws: ``CellMachineError`` `ended` or `emulator`.
    package func park() throws(CellMachineError) {
        try status.withLock { status throws(CellMachineError) in try halt(&status) }
    }

    private func halt(_ status: inout Status) throws(CellMachineError) {
        guard status.isRunning else { return }
        // its answer comes when no CPU executes any more; a debugger may have stopped them before
        try emulator.control.execute("stop")
        status.isRunning = false
        TimeStampCounter.learn(area.tscKHz)
    }

    /// The word of the cell in its communication region.
    package var state: UInt32 { area.communicationWord(CommunicationPage.stateOffset) }

    /// What the hypervisor writes there when a cell does not answer.
    package func setState(_ state: UInt32) { area.setCommunicationWord(CommunicationPage.stateOffset, state) }

    /// Clears the reply, then writes the message.
    package func send(_ message: UInt32) {
        let page = communicationPage(tscKHz: 0)
        area.setCommunicationWord(page.replyOffset, 0)
        area.setCommunicationWord(page.messageOffset, message)
    }

    /// 0 until there is one.
    package var reply: UInt32 { area.communicationWord(communicationPage(tscKHz: 0).replyOffset) }

    /// How many of the cell's CPUs are parked for a violation: with the last one the monitor writes `failed`.
    package var failedCPUCount: Int { Int(area.failedCount) }

    /// Reports all that the cell has printed and the monitor has recorded until now, on the caller's thread.
    package func catchUp() {
        emulator.hearSerial()
        listener.hearEvents()
    }

    /// How often each CPU, by the machine's number, left the cell, since this machine was made.
    package func exits() -> [Int: [ExitReason: UInt64]] { status.withLock { total($0) } }

    /// To the cell's COM1; what its buffers cannot take is lost.
    package func serialInput(_ bytes: [UInt8]) { emulator.sendSerial(bytes) }

    /// QEMU's process; nil when it has ended.
    package var processID: Int32? { emulator.processID }

    /// Ends QEMU and waits until it is gone. Afterwards nothing can be started here.
    package func terminate() {
        TimeStampCounter.learn(area.tscKHz)
        emulator.terminate()
        model.removeFiles()
    }

    private func communicationPage(tscKHz: UInt32) -> CommunicationPage { model.communicationPage(tscKHz: tscKHz) }

    private func total(_ status: Status) -> [Int: [ExitReason: UInt64]] {
        var exits = status.exits
        for (index, number) in cell.cpus.members.enumerated() {
            for exit in cell.architecture == .x86 ? ExitReason.x86 : ExitReason.arm64 {
                let counter = status.hasStarted ? exit.counter(on: cell.architecture) : nil
                let count = counter.map { area.counter($0, cpu: index) } ?? 0
                exits[number, default: [:]][exit, default: 0] += count
            }
        }
        return exits
    }
}
