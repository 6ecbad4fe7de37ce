// SPDX-License-Identifier: Apache-2.0

/// The machine's interrupt controller as the hypervisor uses it: all interrupts come to EL2, and those of the cell are
/// put into list registers, from where the cell takes them; when all are full they wait in a queue. What differs between
/// versions 2 and 3 is in InterfaceV2.swift and InterfaceV3.swift.
enum InterruptController {
    private typealias Record = MonitorMemory.Arm64.Record

    /// How CPUs call each other, and what says that a list register is free.
    enum Own {
        static let inject: UInt32 = 0
        static let manage: UInt32 = 1
        static let maintenance: UInt32 = 25
        static let none: UInt32 = 1020
    }

    private enum DistributorRegister {
        static let control: UInt64 = 0x000
        static let groups: UInt64 = 0x080
        static let enable: UInt64 = 0x100
        static let disable: UInt64 = 0x180
        static let setPending: UInt64 = 0x200
        static let deactivate: UInt64 = 0x380
        static let clearPending: UInt64 = 0x280
        static let targets: UInt64 = 0x800
        static let words: UInt64 = 32
    }

    /// Of what is acknowledged and of list registers: the interrupt, and from version 2 who sent it (Arm's IHI 0048, 4.4.4).
    private enum Field {
        static let interrupt: UInt32 = 0x3ff
        static let sender: UInt32 = 0x1c00
        static let senderShift: UInt32 = 10
    }

    /// Marks a call of another CPU that is there: 0 is a call by CPU 0.
    private static let called: UInt32 = 1 << 31
    /// Version 2: four interrupts, each to the first CPU.
    private static let firstCPUForEach: UInt32 = 0x0101_0101
    /// Version 3: groups 0 and 1, affinity routing.
    private static let enabledV3: UInt32 = 0x13
    private static let enabledV2: UInt32 = 1

    static let registerCount = 4

    private static var isV3: Bool { Parameters.gicVersion == 3 }

    // MARK: preparation

    static func prepareDistributor() {
        let base = Machine.Place.distributor
        typealias Register = DistributorRegister
        for word in 1..<Register.words {
            Machine.write32(.max, to: base + Register.disable + word * 4)
            if isV3 { Machine.write32(.max, to: base + Register.groups + word * 4) }
        }
        if !isV3 {
            for word in 8..<Register.words * 8 {
                Machine.write32(firstCPUForEach, to: base + Register.targets + word * 4)
            }
        }
        Machine.write32(isV3 ? enabledV3 : enabledV2, to: base + Register.control)
    }

    /// To the first CPU, as all shared interrupts go until the cell routes its own.
    static func enableBell() { set(Parameters.bellInterrupt, in: DistributorRegister.enable) }

    /// A shared interrupt becomes pending, as if a device had raised it.
    static func raise(_ interrupt: UInt32) {
        let shared = DistributorAccess.firstShared..<DistributorAccess.interruptLimit
        if shared.contains(interrupt) { set(interrupt, in: DistributorRegister.setPending) }
    }

    private static func set(_ interrupt: UInt32, in register: UInt64) {
        Machine.write32(
            1 << (interrupt % 32), to: Machine.Place.distributor + register + UInt64(interrupt / 32) * 4)
    }

    static func prepareCPU(_ index: Int) {
        if isV3 { InterfaceV3.prepare(index) } else { InterfaceV2.prepare() }
        reset()
    }

    /// As a cell's CPU begins: of its own interrupts the calls and the maintenance are enabled, nothing is pending.
    static func reset() {
        let cpu = VirtualCPU.current
        let own = isV3 ? InterfaceV3.ownInterrupts(cpu.index) : Machine.Place.distributor
        let kept: UInt32 = 0xffff | 1 << Own.maintenance
        Machine.write32(~kept, to: own + DistributorRegister.disable)
        Machine.write32(~kept, to: own + DistributorRegister.deactivate)
        Machine.write32(~kept, to: own + DistributorRegister.clearPending)
        Machine.write32(kept, to: own + DistributorRegister.enable)
        cpu.setWord(record: Record.queueHead, 0)
        cpu.setWord(record: Record.queueTail, 0)
        for register in 0..<registerCount { setList(register, 0) }
        if isV3 { InterfaceV3.reset() } else { InterfaceV2.reset() }
    }

    // MARK: interrupts

    /// Takes all that has come: what is the cell's goes to the cell.
    static func handle(_ cpu: VirtualCPU) {
        // one count for what comes together, of the kind that came first; the bell does not exist for the cell
        var counter: Counter?
        var isRung = false
        while true {
            let acknowledged = acknowledge()
            let number = acknowledged & Field.interrupt
            guard number < Own.none else { break }
            if isBell(number) {
                end(acknowledged)
                Doorbell.answer()
                deactivate(acknowledged)
                isRung = true
                continue
            }
            let kind: Counter
            switch number {
            case Own.inject:
                kind = .virtualSGI
                end(acknowledged)
                deactivate(acknowledged)
                takeCalls(cpu)
            case Own.manage:
                kind = .management
                end(acknowledged)
                deactivate(acknowledged)
            case Own.maintenance:
                kind = .maintenance
                end(acknowledged)
                refill(cpu)
                deactivate(acknowledged)
            default:
                kind = .virtualInterrupt
                // the cell's own end of it deactivates it
                end(acknowledged)
                inject(number, isHardware: true, cpu)
            }
            if counter == nil { counter = kind }
        }
        if counter != nil || !isRung { cpu.count(counter ?? .other) }
    }

    private static func isBell(_ number: UInt32) -> Bool {
        Parameters.linkCount > 0 && number == Parameters.bellInterrupt
    }

    /// Takes all that has come and lets it go; other CPUs of the cell may have links.
    static func drain() {
        while true {
            let acknowledged = acknowledge()
            guard acknowledged & Field.interrupt < Own.none else { return }
            end(acknowledged)
            if isBell(acknowledged & Field.interrupt) { Doorbell.answer() }
            deactivate(acknowledged)
        }
    }

    /// Whether something waits for the cell to take it.
    static var hasPending: Bool {
        for register in 0..<registerCount where list(register) & pendingBit != 0 { return true }
        return false
    }

    // MARK: calls from one CPU to another

    /// Has another CPU look at its record.
    static func manage(_ index: Int) { call(Own.manage, index) }

    /// What the cell wants to send to its own CPUs; the others are not reached.
    static func send(_ interrupt: SoftwareInterrupt, from cpu: VirtualCPU) {
        if interrupt.target == .itself { return inject(interrupt.number, isHardware: false, cpu) }
        for index in 0..<Parameters.cpuCount {
            let target = VirtualCPU(index: index)
            guard interrupt.reaches(target.number, affinity: target.affinity, from: cpu.number) else { continue }
            let sender = isV3 ? 0 : cpu.number << Field.senderShift
            let place = target.pointer(record: Record.callsLock)
            while exchange(place, 1) != 0 { cpuPause() }
            let calls = target.word(Record.calls + Int(interrupt.number) * 4)
            target.setWord(record: Record.calls + Int(interrupt.number) * 4, calls | called | sender)
            _ = exchange(place, 0)
            call(Own.inject, index)
        }
    }

    private static func takeCalls(_ cpu: VirtualCPU) {
        for number in UInt32(0)..<16 {
            let place = cpu.pointer(record: Record.calls + Int(number) * 4)
            let call = exchange(place, 0)
            if call != 0 { inject(number | call & Field.sender, isHardware: false, cpu) }
        }
    }

    // MARK: list registers

    /// - Parameter number: of version 2 with the sender in bits 12 to 10.
    private static func inject(_ number: UInt32, isHardware: Bool, _ cpu: VirtualCPU) {
        // behind what waits already
        if cpu.word(Record.queueHead) != cpu.word(Record.queueTail) || !place(number, isHardware) {
            enqueue(number | (isHardware ? hardwareMark : 0), cpu)
        }
    }

    private static let hardwareMark: UInt32 = 1 << 31

    /// - Returns: false when all registers are full.
    private static func place(_ number: UInt32, _ isHardware: Bool) -> Bool {
        var free: Int?
        for register in 0..<registerCount {
            let value = list(register)
            if value == 0 || value & (pendingBit | activeBit) == 0 {
                if free == nil { free = register }
            } else if number & Field.interrupt == self.number(of: value), value & pendingBit != 0 {
                return true  // merged
            }
        }
        guard let free else { return false }
        setList(free, isV3 ? InterfaceV3.entry(number, isHardware) : InterfaceV2.entry(number, isHardware))
        return true
    }

    private static func enqueue(_ entry: UInt32, _ cpu: VirtualCPU) {
        let entries = UInt32(Record.queueEntries)
        let tail = cpu.word(Record.queueTail)
        if tail &- cpu.word(Record.queueHead) < entries {
            Parameters.setWord(cpu.record(Record.queue) + Int(tail % entries) * 4, entry)
            cpu.setWord(record: Record.queueTail, tail &+ 1)
        }
        setUnderflowReported(true)
    }

    private static func refill(_ cpu: VirtualCPU) {
        while cpu.word(Record.queueHead) != cpu.word(Record.queueTail) {
            let head = cpu.word(Record.queueHead)
            let entry = Parameters.word(cpu.record(Record.queue) + Int(head % UInt32(Record.queueEntries)) * 4)
            guard place(entry & ~hardwareMark, entry & hardwareMark != 0) else { return }
            cpu.setWord(record: Record.queueHead, head &+ 1)
        }
        setUnderflowReported(false)
    }

    // MARK: the two versions

    private static var pendingBit: UInt64 { isV3 ? InterfaceV3.pending : InterfaceV2.pending }
    private static var activeBit: UInt64 { isV3 ? InterfaceV3.active : InterfaceV2.active }

    private static func number(of entry: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: entry) & Field.interrupt }

    private static func list(_ register: Int) -> UInt64 {
        isV3 ? InterfaceV3.list(register) : InterfaceV2.list(register)
    }

    private static func setList(_ register: Int, _ value: UInt64) {
        if isV3 { InterfaceV3.setList(register, value) } else { InterfaceV2.setList(register, value) }
    }

    private static func acknowledge() -> UInt32 { isV3 ? InterfaceV3.acknowledge() : InterfaceV2.acknowledge() }
    /// Lets others of its priority come; it is active until it is deactivated.
    private static func end(_ value: UInt32) { if isV3 { InterfaceV3.end(value) } else { InterfaceV2.end(value) } }
    private static func deactivate(_ value: UInt32) {
        if isV3 { InterfaceV3.deactivate(value) } else { InterfaceV2.deactivate(value) }
    }
    private static func call(_ number: UInt32, _ index: Int) {
        if isV3 { InterfaceV3.call(number, index) } else { InterfaceV2.call(number, index) }
    }
    /// Whether the maintenance interrupt comes when no more than one list register is used.
    private static func setUnderflowReported(_ isReported: Bool) {
        if isV3 { InterfaceV3.setControl(isReported) } else { InterfaceV2.setControl(isReported) }
    }
}
