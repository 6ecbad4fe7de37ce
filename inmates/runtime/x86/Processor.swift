// SPDX-License-Identifier: Apache-2.0

/// The processor that this runs on.
enum Processor {
    /// Its local APIC's number, which interrupts are sent to: the machine's, not the cell's.
    static var identifier: UInt32 { information(1, 1) >> 24 }

    static var isAMD: Bool { information(0, 1) == 0x6874_7541 || information(0, 1) == 0x6f67_7948 }  // "Auth", "Hygo"

    /// The lower half of the time stamp counter.
    static var timeStamp: UInt32 { timeStampLow() }

    /// CPUID; `register` is 0 for EAX, 1 EBX, 2 ECX, 3 EDX.
    static func information(_ leaf: UInt32, _ register: UInt32) -> UInt32 { processorInformation(leaf, register) }
}

/// A model-specific register. One that the hypervisor does not provide ends the cell.
struct ModelSpecificRegister {
    let number: UInt32

    var low: UInt32 { readLow(number) }
    var high: UInt32 { readHigh(number) }
    func write(high: UInt32 = 0, low: UInt32) { writeBoth(number, low, high) }
}

/// Calls of the hypervisor. A cell may make few of them; the others are answered with an error.
enum Hypercall: UInt32 {
    case disable = 0
    case hypervisorInformation = 5
    case processorInformation = 7
    case debugConsolePutCharacter = 8

    /// - Returns: 0, or a negative number of Linux's for what went wrong.
    @discardableResult func call(_ argument: UInt32 = 0) -> Int32 {
        let result = Processor.isAMD ? hypercallAMD(rawValue, argument) : hypercallIntel(rawValue, argument)
        return Int32(bitPattern: result)
    }
}

@_extern(c, "processor_information") private func processorInformation(_ leaf: UInt32, _ register: UInt32) -> UInt32
@_extern(c, "time_stamp") private func timeStampLow() -> UInt32
@_extern(c, "msr_read_low") private func readLow(_ number: UInt32) -> UInt32
@_extern(c, "msr_read_high") private func readHigh(_ number: UInt32) -> UInt32
@_extern(c, "msr_write") private func writeBoth(_ number: UInt32, _ low: UInt32, _ high: UInt32)
@_extern(c, "hypercall_amd") private func hypercallAMD(_ number: UInt32, _ argument: UInt32) -> UInt32
@_extern(c, "hypercall_intel") private func hypercallIntel(_ number: UInt32, _ argument: UInt32) -> UInt32
/// Lets interrupts in.
@_extern(c, "interrupts_enable") func enableInterrupts()
@_extern(c, "interrupts_disable") func disableInterrupts()
/// Halts until an interrupt came; afterwards they are held off again.
@_extern(c, "wait_for_interrupt") func waitForInterrupt()

/// Halts for ever, with interrupts off.
func stop() -> Never {
    while true { haltForever() }
}

@_extern(c, "stop") private func haltForever()
