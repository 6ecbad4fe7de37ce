// SPDX-License-Identifier: Apache-2.0

/// The processor that this runs on.
enum Processor {
    /// Its affinity, as PSCI and the interrupt controller name it: the machine's, not the cell's.
    static var affinity: UInt64 { processorAffinity() & 0xff_00ff_ffff }
}

/// Calls of the hypervisor. A cell may make few of them; the others are answered with an error.
enum Hypercall: UInt64 {
    case disable = 0
    case hypervisorInformation = 5
    case processorInformation = 7
    case debugConsolePutCharacter = 8

    /// - Returns: a result, or a negative number of Linux's for what went wrong.
    @discardableResult func call(_ first: UInt32 = 0, _ second: UInt32 = 0) -> Int64 {
        Int64(bitPattern: hypercall(rawValue, UInt64(first), UInt64(second)))
    }
}

/// Calls of the firmware, which the hypervisor answers: always by SMC (Arm's DEN0022 and DEN0028).
enum FirmwareCall: UInt64 {
    case version = 0x8400_0000
    case suspend = 0xc400_0001
    case off = 0x8400_0002
    case on = 0xc400_0003
    case affinityInformation = 0xc400_0004
    case systemOff = 0x8400_0008
    case systemReset = 0x8400_0009
    case conventionVersion = 0x8000_0000

    @discardableResult func call(_ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0) -> Int32 {
        Int32(truncatingIfNeeded: secureCall(rawValue, first, second, third))
    }
}

@_extern(c, "processor_affinity") private func processorAffinity() -> UInt64
@_extern(c, "hypercall") private func hypercall(_ number: UInt64, _ first: UInt64, _ second: UInt64) -> UInt64
@_extern(c, "secure_call") func secureCall(
    _ function: UInt64, _ first: UInt64, _ second: UInt64, _ third: UInt64
) -> UInt64
/// Lets interrupts in.
@_extern(c, "interrupts_enable") func enableInterrupts()
@_extern(c, "interrupts_disable") func disableInterrupts()
/// Sleeps until an interrupt came and was taken; afterwards they are held off again.
@_extern(c, "wait_for_interrupt") func waitForInterrupt()
@_extern(c, "pause") func pause()

/// Sleeps for ever, with interrupts off.
func stop() -> Never {
    while true { sleepForever() }
}

@_extern(c, "stop") private func sleepForever()
