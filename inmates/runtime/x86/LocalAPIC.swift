// SPDX-License-Identifier: Apache-2.0

/// The processor's local APIC: its timer, the interrupts that it sends and takes.
///
/// A cell always has the model-specific registers of the x2APIC: where the machine's APICs are not in that mode, the
/// hypervisor translates. The window in memory of the xAPIC is there in the other case only (bit 10 of the APIC base
/// says it); in x2APIC mode an access ends the cell.
struct LocalAPIC {
    enum Access {
        case x2APIC, xAPIC
    }

    enum Register: UInt32 {
        case identifier = 0x02
        case version = 0x03
        case taskPriority = 0x08
        case endOfInterrupt = 0x0b
        case spuriousInterrupt = 0x0f
        case interruptCommand = 0x30
        /// xAPIC only: the upper half of the command.
        case interruptDestination = 0x31
        case timer = 0x32
        case initialCount = 0x38
        case currentCount = 0x39
        case divider = 0x3e
    }

    /// What an interprocessor interrupt does.
    enum Command: UInt32 {
        case fixed = 0x4000
        case nonMaskable = 0x4400
        case initialize = 0x4500
        case startup = 0x4600
        case fixedToAllOthers = 0xc_4000
        /// Not offered by the hypervisor: itself is among them.
        case nonMaskableToAll = 0x8_4400
        case systemManagement = 0x4200
    }

    static let spuriousVector: UInt8 = 0xff
    static let window: UInt = 0xfee0_0000
    /// Which way the end of an interrupt is told: 0 by x2APIC.
    private static var endsByWindow: SharedWord { SharedWord(0) }

    let access: Access

    init(_ access: Access = .x2APIC) { self.access = access }

    /// Whether this processor's APIC is in x2APIC mode: bit 10 of the APIC base.
    static var isInX2APICMode: Bool { ModelSpecificRegister(number: 0x1b).low >> 10 & 1 == 1 }

    func read(_ register: Register) -> UInt32 {
        switch access {
        case .x2APIC: ModelSpecificRegister(number: 0x800 + register.rawValue).low
        case .xAPIC: DeviceMemory(at: Self.window).read(UInt(register.rawValue) * 16)
        }
    }

    func write(_ value: UInt32, to register: Register) {
        switch access {
        case .x2APIC: ModelSpecificRegister(number: 0x800 + register.rawValue).write(low: value)
        case .xAPIC: DeviceMemory(at: Self.window).write(value, at: UInt(register.rawValue) * 16)
        }
    }

    /// Of this processor.
    var identifier: UInt32 { access == .x2APIC ? read(.identifier) : read(.identifier) >> 24 }

    /// Lets interrupts in, and says which way their end is told from now on.
    func enable() {
        write(0, to: .taskPriority)
        write(0x100 | UInt32(Self.spuriousVector), to: .spuriousInterrupt)
        Self.endsByWindow.store(access == .xAPIC ? 1 : 0)
    }

    static func endOfInterrupt() {
        LocalAPIC(endsByWindow.value == 1 ? .xAPIC : .x2APIC).write(0, to: .endOfInterrupt)
    }

    func send(_ command: Command, vector: UInt8 = 0, to processor: UInt32) {
        let low = command.rawValue | UInt32(vector)
        switch access {
        case .x2APIC:
            ModelSpecificRegister(number: 0x800 + Register.interruptCommand.rawValue).write(high: processor, low: low)
        case .xAPIC:
            write(processor << 24, to: .interruptDestination)
            write(low, to: .interruptCommand)
        }
    }
}

/// The timer of the local APIC. It counts down at a rate that the communication region tells, or not (0); measuring
/// it against the PM timer always works.
struct APICTimer {
    let apic: LocalAPIC
    /// Ticks are 16 of the bus's.
    private static let divideBy16: UInt32 = 3
    private static let ticksPerCount: UInt32 = 16
    private static let masked: UInt32 = 0x1_0000
    private static let periodic: UInt32 = 0x2_0000

    /// Undivided, as the communication region tells it.
    func measuredKHz(milliseconds: UInt32 = 50) -> UInt32 {
        apic.write(Self.masked, to: .timer)
        apic.write(Self.divideBy16, to: .divider)
        apic.write(.max, to: .initialCount)
        var timer = PMTimer()
        let start = apic.read(.currentCount)
        var passed: UInt32 = 0
        while passed < milliseconds * 1_000 { passed = timer.microseconds() }
        let counted = start &- apic.read(.currentCount)
        apic.write(0, to: .initialCount)
        return counted / (passed / 1_000) * Self.ticksPerCount
    }

    func start(_ interrupt: Interrupt, everyMilliseconds period: UInt32, kHz: UInt32) {
        apic.write(Self.divideBy16, to: .divider)
        apic.write(UInt32(interrupt.vector) | Self.periodic, to: .timer)
        apic.write(kHz / Self.ticksPerCount * period, to: .initialCount)
    }

    func stop() {
        apic.write(Self.masked, to: .timer)
        apic.write(0, to: .initialCount)
    }
}
