// SPDX-License-Identifier: Apache-2.0

extension Violation {
    var interruptExplanation: Explanation {
        switch self {
        case .ioapic(let access, let register, let index): Self.ioapicExplanation(access, register, index)
        case .apicDelivery(let value):
            Explanation(
                summary: "The program sent an inter-processor interrupt with a delivery mode that is not allowed "
                    + "(ICR 0x\(hex(value)): SMI, ExtINT, or another mode than fixed with a shorthand).",
                advice: "Address CPUs one by one; leave ExtINT out: there is no 8259A in a cell.")
        case .apicReserved(let register, let value):
            Explanation(
                summary:
                    "The program set reserved bits of the local APIC's register 0x\(hex(register)) (0x\(hex(value))).",
                advice: "Correct the program: no entry of a definition allows it.")
        case .apicVector(let register, let value):
            Explanation(
                summary:
                    "The program set a local vector of the APIC (register 0x\(hex(register)), 0x\(hex(value))) to another "
                    + "delivery mode than fixed or NMI.",
                advice:
                    "Usually this is LINT0 as ExtINT for an 8259A, which a cell does not have: mask it. A Linux guest needs "
                    + "CONFIG_JAILHOUSE_GUEST.")
        case .apicMode:
            Explanation(
                summary: "The program used the APIC's memory window, but this machine runs in x2APIC mode.",
                advice: "Use the x2APIC's MSRs, or boot Linux with nox2apic.")
        case .apicWidth(let width):
            Explanation(
                summary: "The program accessed the local APIC with \(bytes(width)).", advice: "Use 4-byte accesses.")
        case .apicDestination(let register, let value):
            Explanation(
                summary: "The program changed the APIC's \(register) to 0x\(hex(value)), which is not allowed.",
                advice: "Leave logical destinations as the hypervisor sets them, or use physical ones.")
        case .apicAccess(let trapped, let isFetch): Self.apicExplanation(trapped, isFetch)
        case .interruptRoute(let number):
            Explanation(
                summary: "The program routed the interrupt \(number) to a CPU outside the cell.",
                advice: "Correct the affinity in the program; never allow it.")
        default: registerExplanation
        }
    }

    private static func apicExplanation(_ trapped: TrappedAccess?, _ isFetch: Bool) -> Explanation {
        guard !isFetch else {
            return Explanation(
                summary: "The program jumped into the local APIC's window.",
                advice: "Check function pointers, and the return address on the stack.")
        }
        guard let trapped else {
            return Explanation(
                summary: "The program accessed the local APIC's window in a way that is not allowed.",
                advice: "Use aligned 4-byte accesses with MOV.")
        }
        let place = "\(trapped.access.past) the local APIC's window at 0x\(hex(trapped.address))"
        return trapped.address & 0xf != 0
            ? Explanation(
                summary: "The program \(place), which is no multiple of 16: the registers are 16 bytes apart.",
                advice: "Use aligned 4-byte accesses with MOV.")
            : Explanation(
                summary: "The program \(place) in a way that is not allowed.",
                advice: "The line that says why stands before this one in the console; look for it.")
    }

    /// By the window's offset: 0 selects a register, 0x10 is its data, 0x40 ends an interrupt.
    private static func ioapicExplanation(_ access: Access, _ offset: UInt64, _ index: UInt64) -> Explanation {
        guard offset != 0x40 else {
            return Explanation(
                summary:
                    "The program ended an interrupt at the IOAPIC's EOI register, which only a cell with pins of it may.",
                advice:
                    "List the pins that the program uses under [[interrupt-chip]], or end the interrupt at the local APIC only."
            )
        }
        guard offset == 0x10 else {
            return Explanation(
                summary:
                    "The program \(access.past) the IOAPIC's window at 0x\(hex(offset)), where it has no register.",
                advice: "Use the window's registers at 0x0 (index) and 0x10 (data) only.")
        }
        let names: [UInt64: String] = [0: "identification", 1: "version", 2: "arbitration"]
        guard index >= 0x10 else {
            return Explanation(
                summary:
                    "The program \(access.past) the IOAPIC's register 0x\(hex(index))\(names[index].map { ", its \($0)" } ?? "")"
                    + ", which a cell must not.",
                advice: "Leave the access out of the program: no entry of a definition allows it.")
        }
        let pin = (index - 0x10) / 2
        return Explanation(
            summary:
                "The program \(access.past) the IOAPIC's redirection entry of pin \(pin) (register 0x\(hex(index))) in a way that is "
                + "not allowed: a pin that the IOAPIC does not have, a foreign destination, or another delivery mode than fixed or "
                + "lowest priority.",
            advice:
                "Send the pin's interrupt to the cell's own CPUs, with the mode fixed. Pins of others are no reason: the hypervisor "
                + "ignores them.")
    }
}
