// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellMachine
import Synchronization
import SystemCalls

/// All cells of a machine that execute: their threads, and what they share.
final class ExecutingCells: Sendable {
    private let settings: ExecutionSettings
    private let common: CellMachineSettings
    /// Where the machine's RAM ends; the file behind it may be longer.
    private let memoryEnd: UInt64
    private let memory: MachineMemory
    private let state = Mutex(State())
    /// Rings when a thread has ended.
    private let bell = Bell()

    private struct State {
        var told: HypervisorNumbers?
        /// By the cells' incarnations.
        var threads: [UInt64: CellThread] = [:]
        var slots: [UInt64: Int] = [:]
        /// They wait for the start of a cell that does not exist yet, by its name.
        var debuggers: [String: CellThread.DebugRequest] = [:]
    }

    /// - Parameters:
    ///   - memory: the machine's, of which it has as much as `memoryEnd` says.
    ///   - directory: an existing one, for small files and sockets.
    init(_ settings: ExecutionSettings, memory: MachineMemory, memoryEnd: UInt64, directory: String) {
        self.settings = settings
        self.memory = memory
        self.memoryEnd = memoryEnd
        var common = CellMachineSettings(
            emulator: settings.emulator, firmware: settings.firmware, monitor: settings.monitor, directory: directory,
            memoryFile: memory.path, memorySize: memory.size)
        common.patience = settings.patience
        common.holdsOnViolation = settings.stopsOnViolation
        self.common = common
    }

    /// Makes the thread of a new cell. Without one, for the system may have none left, its orders are answered by
    /// ``perform(_:in:)``.
    ///
    /// - Parameter deliver: takes what happens in the cell, and after which start.
    func add(
        _ cell: CellDescriptor, of system: SystemDescriptor?, _ incarnation: UInt64,
        deliver: @escaping @Sendable ([CellEvent], Int) -> Void
    ) {
        let thread = CellThread(
            memory: memory,
            make: { [self] (onEvent: @escaping @Sendable (CellMachineEvent) -> Void) throws(CellMachineError) in
                try makeMachine(cell, system, incarnation, onEvent)
            }, release: { [self] in state.withLock { $0.slots[incarnation] = nil } }, deliver: deliver)
        let debugger = state.withLock { state in
            state.threads[incarnation] = thread
            return state.debuggers.removeValue(forKey: cell.name)
        }
        if let debugger { thread.order(.debug(debugger)) }
        let background = BackgroundThread { [self] in
            thread.live()
            forget(incarnation)
        }
        if let background { background.detach() } else { forget(incarnation) }
    }

    /// Has an order carried out by the cell's thread.
    ///
    /// - Returns: what happens at once, for want of a thread.
    func perform(_ order: CellOrder, in incarnation: UInt64) -> [CellEvent] {
        if let thread = thread(of: incarnation) {
            thread.order(.given(order))
            return []
        }
        if case .start = order { return [.ended("it cannot execute: the system has no thread left"), .ready] }
        return order.isAwaited ? [.ready] : []
    }

    /// As ``perform(_:in:)``, for bytes that are to be in memory before the cell's next order is carried out.
    func store(_ bytes: [UInt8], at address: UInt64, in incarnation: UInt64) -> [CellEvent] {
        if let thread = thread(of: incarnation) {
            thread.order(.store(bytes, at: address))
            return []
        }
        try? memory.write(bytes, at: address)
        return [.ready]
    }

    /// Tells the hypervisor's numbers to all cells that ask for them.
    ///
    /// - Throws: ``CellMachineError`` `memory` when the disk is full.
    func tell(_ numbers: HypervisorNumbers) throws(CellMachineError) {
        let isNews = state.withLock { state in
            defer { state.told = numbers }
            return state.told != numbers
        }
        if isNews { try memory.tell(numbers) }
    }

    /// Keeps a debugger for the start of a cell that does not exist yet.
    func keep(_ debugger: CellThread.DebugRequest, forCell name: String) {
        let before = state.withLock { $0.debuggers.updateValue(debugger, forKey: name) }
        before?.answer(.failure(.replacedDebugger))
    }

    /// Nil when it has ended.
    func thread(of incarnation: UInt64) -> CellThread? {
        state.withLock { $0.threads[incarnation] }
    }

    /// Ends all QEMU processes and waits until they are gone.
    func end() {
        let debuggers = state.withLock { state in
            defer { state.debuggers = [:] }
            return state.debuggers
        }
        for debugger in debuggers.values {
            debugger.answer(.failure(SimulatorError(.notServed, "the machine ends")))
        }
        for thread in state.withLock({ Array($0.threads.values) }) { thread.order(.given(.end)) }
        while !state.withLock({ $0.threads.isEmpty }) { bell.wait(atMost: nil) }
    }

    private func forget(_ incarnation: UInt64) {
        state.withLock {
            $0.slots[incarnation] = nil
            $0.threads[incarnation] = nil
        }
        bell.ring()
    }

    private func makeMachine(
        _ cell: CellDescriptor, _ system: SystemDescriptor?, _ incarnation: UInt64,
        _ onEvent: @escaping @Sendable (CellMachineEvent) -> Void
    ) throws(CellMachineError) -> CellMachine {
        // others may be devices'
        for region in cell.memoryRegions where region.flags.contains(.loadable) {
            guard region.physicalStart < memoryEnd, region.size <= memoryEnd - region.physicalStart else {
                throw CellMachineError(
                    .configuration,
                    "the loadable memory region at 0x\(String(region.physicalStart, radix: 16)) lies beyond the "
                        + "machine's memory of \(memoryEnd >> 20) MiB")
            }
        }
        let slot = state.withLock { state -> Int? in
            if let slot = state.slots[incarnation] { return slot }
            let slot = (0..<MachineMemory.slotLimit).first { !state.slots.values.contains($0) }
            state.slots[incarnation] = slot
            return slot
        }
        guard let slot else {
            throw CellMachineError(
                .configuration, "no more than \(MachineMemory.slotLimit) cells can execute at a time")
        }
        let hardware = settings.hardware(cell.name)
        var devices = hardware.devices
        devices += settings.devices.filter { device in !devices.contains { $0.address == device.address } }
        for device in cell.pciDevices where device.kind == .device {
            guard !devices.contains(where: { $0.address == device.address }) else { continue }
            devices.append(
                SimulatedDevice(
                    address: device.address, model: ExecutionSettings.standardModel,
                    network: ExecutionSettings.standardNetwork))
        }
        return try CellMachine(
            cell: cell, system: system, slot: slot, devices: devices, legacyDevices: hardware.legacyDevices,
            settings: common, onEvent: onEvent)
    }
}
