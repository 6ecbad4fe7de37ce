// SPDX-License-Identifier: Apache-2.0

/// This CPU's interrupt controller, whose registers the cell reaches by the xAPIC's window or the x2APIC's MSRs.
/// The cell's interrupts go to its CPUs without the monitor; it sees to who is sent what.
enum LocalAPIC {
    static let base: UInt64 = 0xfee0_0000

    /// Numbers of registers: a sixteenth of the offset in the window.
    private static let id: UInt32 = 0x02
    private static let taskPriority: UInt32 = 0x08
    private static let endOfInterrupt: UInt32 = 0x0b
    private static let logicalDestination: UInt32 = 0x0d
    private static let destinationFormat: UInt32 = 0x0e
    private static let spurious: UInt32 = 0x0f
    private static let command: UInt32 = 0x30
    private static let commandHigh: UInt32 = 0x31
    private static let selfInterrupt: UInt32 = 0x3f
    private static let vectorTables: ClosedRange<UInt32> = 0x32...0x37
    private static let masked: UInt32 = 0x1_0000

    static func read(_ register: UInt32) -> UInt32 { Machine.read32(base + UInt64(register) * 16) }
    static func write(_ register: UInt32, _ value: UInt32) { Machine.write32(value, to: base + UInt64(register) * 16) }

    /// As Linux leaves it: enabled, all local interrupts masked, the timer divided by 16.
    static func prepare(acceptsPIC: Bool) {
        write(spurious, 0x1ff)
        for register in vectorTables { write(register, masked) }
        if acceptsPIC { write(0x35, 0x700) }
        write(0x3e, 3)
    }

    /// A CPU that is parked has no use for it, and the host works for it in vain.
    static func stopTimer() { write(0x38, 0) }

    /// Nothing pending, nothing in service: for a CPU that is reset.
    static func clear() {
        for register in vectorTables { write(register, read(register) | masked) }
        for register in UInt32(0x10)...0x17 {
            while read(register) != 0 { write(endOfInterrupt, 0) }
        }
        write(taskPriority, 0)
        for _ in 0..<256 {
            var pending: UInt32 = 0
            for register in UInt32(0x20)...0x27 { pending |= read(register) }
            if pending == 0 { break }
            drainInterrupts()
        }
    }

    static func send(to number: UInt32, _ command: UInt32) {
        while read(self.command) & 0x1000 != 0 { cpuPause() }
        // the cell may be about to use it
        let high = read(commandHigh)
        write(commandHigh, number << 24)
        write(self.command, command)
        write(commandHigh, high)
    }

    // MARK: the cell's accesses

    /// An x2APIC register. - Parameter register: 0 to 0x3f.
    static func readMSR(_ register: UInt32) -> UInt64 {
        switch register {
        case id: UInt64(read(id) >> 24)
        case command: UInt64(read(command)) | UInt64(read(commandHigh) >> 24) << 32
        case endOfInterrupt, selfInterrupt: 0
        default: UInt64(read(register))
        }
    }

    static func writeMSR(_ register: UInt32, _ value: UInt64, by cpu: VirtualCPU) -> Violation? {
        let low = UInt32(truncatingIfNeeded: value)
        if let violation = reservedBits(register, low, isWindow: false) { return violation }
        switch register {
        case command: return sendCommand(low, to: UInt32(truncatingIfNeeded: value >> 32), by: cpu)
        case selfInterrupt: write(command, 0x4_4000 | low & 0xff)
        default: return writeChecked(register, low, isWindow: false)
        }
        return nil
    }

    /// - Parameters:
    ///   - offset: in the window.
    ///   - size: of the access in bytes.
    static func writeWindow(offset: UInt32, size: Int, _ value: UInt32, by cpu: VirtualCPU) -> Violation? {
        guard size == 4 else { return Violation(.apicWidth, UInt64(size), UInt64(offset), 1) }
        let register = offset >> 4
        if let violation = reservedBits(register, value, isWindow: true) { return violation }
        switch register {
        case command: return sendCommand(value, to: read(commandHigh) >> 24, by: cpu)
        case logicalDestination where cpu.number >= 8 || value != 1 << (cpu.number + 24):
            return Violation(.logicalDestination, UInt64(value), UInt64(offset))
        case destinationFormat where value != 0xffff_ffff:
            return Violation(.destinationFormat, UInt64(value), UInt64(offset))
        default: return writeChecked(register, value, isWindow: true)
        }
    }

    private static func writeChecked(_ register: UInt32, _ value: UInt32, isWindow: Bool) -> Violation? {
        let mode = value & 0x700
        // fixed or NMI
        if vectorTables.contains(register), value & masked == 0, mode != 0, mode != 0x400,
            !(register == 0x35 && mode == 0x700 && Parameters.has(MonitorMemory.Flag.interruptsByPIC))
        {
            return Violation(.apicLVT, UInt64(register), UInt64(value), detail(register, isWindow))
        }
        write(register, value)
        return nil
    }

    private static func reservedBits(_ register: UInt32, _ value: UInt32, isWindow: Bool) -> Violation? {
        let reserved: UInt32 =
            switch register {
            case taskPriority: 0xffff_ff00
            case endOfInterrupt, logicalDestination, destinationFormat, 0x38: 0
            case spurious: 0xffff_fe00
            case command: 0xfff3_3000
            case commandHigh: isWindow ? 0x00ff_ffff : 0xffff_ffff
            case 0x32: 0xfff8_ff00
            case 0x2f, 0x33, 0x34: 0xfffe_f800
            case 0x35, 0x36: 0xfff0_f800
            case 0x37: 0xfffe_ff00
            case 0x3e: 0xffff_fff4
            case selfInterrupt: isWindow ? 0xffff_ffff : 0xffff_ff00
            default: 0xffff_ffff
            }
        guard value & reserved != 0 || register > 0x3f else { return nil }
        return Violation(.apicReserved, UInt64(register), UInt64(value), detail(register, isWindow))
    }

    private static func detail(_ register: UInt32, _ isWindow: Bool) -> UInt64 {
        UInt64(register << 4) | (isWindow ? 1 << 32 : 0)
    }

    // MARK: interrupts between CPUs

    private enum Mode {
        static let lowestPriority: UInt32 = 1
        static let nmi: UInt32 = 4
        static let initialize: UInt32 = 5
        static let startup: UInt32 = 6
    }

    /// Whom a command is for, instead of its destination.
    private enum Shorthand {
        static let none: UInt32 = 0
        /// Itself among them.
        static let all: UInt32 = 2
        static let allOthers: UInt32 = 3
    }

    /// - Parameter destination: an APIC's number or, as the command says, a set of CPUs 0 to 7.
    private static func sendCommand(_ value: UInt32, to destination: UInt32, by cpu: VirtualCPU) -> Violation? {
        switch value >> 8 & 7 {
        case 0, Mode.lowestPriority, Mode.nmi, Mode.initialize, Mode.startup: break
        default: return Violation(.deliveryMode, UInt64(value))
        }
        switch value >> 18 & 3 {
        case Shorthand.none: break
        case Shorthand.allOthers:
            sendToOthers(value, by: cpu)
            return nil
        case let shorthand:
            // to itself only what is fixed
            guard value >> 8 & 7 == 0 else { return Violation(.deliveryMode, UInt64(value)) }
            write(command, 0x4_4000 | value & 0xff)
            if shorthand == Shorthand.all { sendToOthers(value, by: cpu) }
            return nil
        }
        guard value & 0x800 != 0 else {
            send(value, to: destination, by: cpu)
            return nil
        }
        for number in UInt32(0)..<32 where destination & 1 << number != 0 {
            send(value & ~0x800, to: number, by: cpu)
        }
        return nil
    }

    /// To the cell's other CPUs, whatever the command says of its destination.
    private static func sendToOthers(_ value: UInt32, by cpu: VirtualCPU) {
        for index in 0..<Parameters.cpuCount where index != cpu.index {
            send(value & ~0xc_0800, to: Parameters.cpuNumber(index), by: cpu)
        }
    }

    private static func send(_ value: UInt32, to number: UInt32, by cpu: VirtualCPU) {
        guard let index = Parameters.cpuIndex(number) else {
            Events.tell(.outsideDestination, cpu: cpu.index, number)
            return
        }
        switch value >> 8 & 7 {
        case Mode.nmi: Events.tell(.ignoredNMI, cpu: cpu.index)
        case Mode.initialize: Startup.initialize(VirtualCPU(index: index), number)
        case Mode.startup: Startup.start(VirtualCPU(index: index), number, vector: value & 0xff)
        default: send(to: number, value)
        }
    }
}
