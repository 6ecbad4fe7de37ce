// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Glibc
import Synchronization
import SystemCalls
import SystemPackage

/// The memory of a cell's monitor as the host sees it while the cell runs.
final class SharedArea: Sendable {
    private let mapping: MappedFile
    /// In the machine.
    let base: UInt64
    private let architecture: Architecture

    private typealias Parameter = MonitorMemory.Parameter
    private typealias Record = MonitorMemory.Record

    init(
        memoryFile: String, memorySize: UInt64, slot: Int, architecture: Architecture
    ) throws(CellMachineError) {
        let layout = MachineLayout(architecture)
        base = layout.monitor(slot: slot, size: memorySize)
        self.architecture = architecture
        let offset = Int(layout.monitorOffset(slot: slot, size: memorySize))
        mapping = try MappedFile.part(of: memoryFile, at: offset, size: MonitorMemory.size)
        // a full disk is an error now, and the end of the process later
        try calling(.memory, "there is no room for the cell's monitor") { () throws(SystemCallError) in
            let file = try SystemCall.open(memoryFile, O_RDWR)
            let error = posix_fallocate(file.rawValue, off_t(offset), off_t(MonitorMemory.size))
            guard error == 0 else {
                throw SystemCallError(call: "fallocate", subject: memoryFile, errno: Errno(rawValue: error))
            }
        }
    }

    /// Only while no CPU runs. - Parameter measures: whether the monitor is to measure the processor's frequency.
    func fill(_ area: [UInt8], communicationPage: [UInt8], measures: Bool) {
        // what the machine tells all monitors is there already
        let told = Parameter.hypervisorNumbers..<Parameter.hypervisorNumbers + HypervisorNumbers.size
        area.withUnsafeBytes {
            guard let from = $0.baseAddress else { return }
            mapping.start.copyMemory(from: from, byteCount: told.lowerBound)
            (mapping.start + told.upperBound)
                .copyMemory(from: from + told.upperBound, byteCount: $0.count - told.upperBound)
        }
        let page = mapping.start + MonitorMemory.communicationRegion
        communicationPage.withUnsafeBytes {
            if let from = $0.baseAddress { page.copyMemory(from: from, byteCount: $0.count) }
        }
        if !measures { set(MonitorMemory.Flag.measuresCycles, false) }
    }

    func set(_ flag: UInt32, _ isSet: Bool) {
        let flags = word(Parameter.flags)
        setWord(Parameter.flags, isSet ? flags | flag : flags & ~flag)
    }

    // MARK: the communication region

    func communicationWord(_ offset: Int) -> UInt32 { word(MonitorMemory.communicationRegion + offset) }

    func setCommunicationWord(_ offset: Int, _ value: UInt32) {
        setWord(MonitorMemory.communicationRegion + offset, value)
    }

    // MARK: what the monitor counted and wrote down

    /// As the monitor measured it; 0 before.
    var tscKHz: UInt32 { word(Parameter.cyclesPerMillisecond) }

    var failedCount: UInt32 { word(Parameter.failedCount) }

    /// - Parameter counter: a number of the monitor's counters.
    func counter(_ counter: Int, cpu index: Int) -> UInt64 {
        long(record(index) + Record.counters + counter * 8)
    }

    /// Nil when there is none that makes sense.
    func report(cpu index: Int) -> ViolationReport? {
        let place = record(index) + Record.report
        let details = (1...3).map { long(place + $0 * 8) }
        func registers(_ count: Int) -> [UInt64] { (0..<count).map { long(record(index) + Record.registers + $0 * 8) } }
        if architecture == .x86 {
            return MonitorMemory.Reason(rawValue: long(place)).map {
                let count = MonitorMemory.Register.allCases.count
                return ViolationReport(X86Violation(reason: $0, details: details, registers: registers(count)))
            }
        }
        return MonitorMemory.Arm64.Reason(rawValue: long(place)).map {
            let count = ArmViolation.registerCount
            return ViolationReport(ArmViolation(reason: $0, details: details, registers: registers(count)))
        }
    }

    // MARK: for a debugger

    /// How many CPUs of the cell have reached the monitor.
    var arrivedCount: Int { Int(word(Parameter.arrivedCount)) }

    /// Whether a CPU waits for the host in the monitor.
    func isHeld(cpu index: Int) -> Bool { word(record(index) + Record.held) != 0 }

    /// The index of the first CPU that is.
    var heldCPU: Int? { (0..<MonitorMemory.cpuLimit).first { isHeld(cpu: $0) } }

    func setHeld(_ isHeld: Bool, cpu index: Int) { setWord(record(index) + Record.held, isHeld ? 1 : 0) }

    func releaseAll() {
        for index in 0..<MonitorMemory.cpuLimit { setHeld(false, cpu: index) }
    }

    func hasFailed(cpu index: Int) -> Bool { word(record(index) + Record.failed) != 0 }

    /// Whether a CPU of an Arm64 cell waits in the monitor to be started.
    func isOff(cpu index: Int) -> Bool {
        architecture == .arm64
            && (word(record(index) + MonitorMemory.Arm64.Record.isOn) == 0 || hasFailed(cpu: index))
    }

    /// A register of a CPU's last report.
    func recordedRegister(_ number: Int, cpu index: Int) -> UInt64 {
        long(record(index) + Record.registers + number * 8)
    }

    /// 64 bits of a CPU's control block: ``ControlBlock``.
    func controlBlock(_ offset: Int, cpu index: Int) -> UInt64 {
        long(MonitorMemory.cpus + index * MonitorMemory.cpuStride + MonitorMemory.CPU.controlBlock + offset)
    }

    /// Whether the cell's CPU is in long mode, as far as the monitor knows.
    func isInLongMode(cpu index: Int) -> Bool { controlBlock(ControlBlock.efer, cpu: index) & 0x400 != 0 }

    // MARK: events

    struct Event {
        var kind: MonitorMemory.Event
        /// Index among the cell's CPUs.
        var cpu: Int
        var value: UInt32
    }

    /// All that happened since the last time; the monitor is asked to say when there is more.
    func takeEvents() -> [Event] {
        setWord(Parameter.notify, 1)
        var events: [Event] = []
        var tail = word(Parameter.ringTail)
        while tail != word(Parameter.ringHead) {
            let entry = MonitorMemory.ring + Int(tail % UInt32(MonitorMemory.ringEntries)) * 8
            let first = word(entry)
            if let kind = MonitorMemory.Event(rawValue: UInt8(first & 0xff)) {
                events.append(Event(kind: kind, cpu: Int(first >> 8 & 0xff), value: word(entry + 4)))
            }
            tail &+= 1
            setWord(Parameter.ringTail, tail)
        }
        return events
    }

    /// Characters since the last start for which the ring had no room.
    var missedCharacters: UInt32 { word(Parameter.ringMissed) }

    // MARK: words, each read and written once

    private func record(_ index: Int) -> Int {
        MonitorMemory.cpus + index * MonitorMemory.cpuStride + MonitorMemory.CPU.record
    }

    private func word(_ offset: Int) -> UInt32 {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return mapping.start.load(fromByteOffset: offset, as: UInt32.self)
    }

    private func setWord(_ offset: Int, _ value: UInt32) {
        mapping.start.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
    }

    private func long(_ offset: Int) -> UInt64 {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return mapping.start.load(fromByteOffset: offset, as: UInt64.self)
    }
}
