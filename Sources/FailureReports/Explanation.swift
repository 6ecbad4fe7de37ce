// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// What a violation means to the person who has to do something about it.
package struct Explanation: Hashable, Sendable {
    /// One sentence: what the program did.
    package var summary: String
    /// What of a definition would allow it, in TOML; nil: nothing does.
    package var entry: String?
    /// What to do.
    package var advice: String
    /// What else is known of the address, the port, the device and the registers; a sentence each.
    package var notes: [String] = []
    /// The rule of `check` that finds this beforehand; nil: none does.
    package var rule: String?
    /// Nil without the program's symbols.
    package var place: ProgramPlace?
}

extension Violation {
    /// - Parameter isRootCell: it was a CPU of Linux that did so.
    package func explanation(isRootCell: Bool = false) -> Explanation {
        guard isRootCell else { return explanation }
        guard let resource = linuxResource else { return explanation.ofLinux }
        return Explanation(
            summary: "Linux accessed \(resource), which it does not have.",
            advice: """
                That CPU of Linux is parked until the next boot. 'jailhouse-ctl map' shows which cell has it: keep Linux's \
                driver from using it, or leave it out of the cell. If no cell has it, the system configuration lacks it.
                """)
    }

    private var linuxResource: String? {
        switch self {
        case .port(_, let port, _):
            (PCPorts.boardDevice(at: port) ?? PCPorts.serialPort(at: port)).map { "\($0.name) (port 0x\(hex(port)))" }
                ?? "the I/O port 0x\(hex(port))"
        case .memory(_, let address, _), .dataAbort(_, let address, _), .subPage(_, let address, _),
            .instructionAbort(let address):
            "the address 0x\(hex(address))"
        case .pciConfiguration(_, let device, _, _), .pciMemory(_, let device, _, _), .vectorTable(let device):
            "the PCI device \(device)"
        default: nil
        }
    }

    /// Of a program in a cell, when nothing is known beside the console.
    var explanation: Explanation {
        switch self {
        case .port, .memory, .dataAbort, .subPage, .instructionAbort, .unreadableInstruction, .unsupportedInstruction,
            .inconsistentAccess, .pagingMode, .testDevice:
            memoryExplanation
        case .pciConfiguration, .pciPort, .pciMemory, .vectorTable, .vectorTarget: pciExplanation
        case .ioapic, .apicDelivery, .apicReserved, .apicVector, .apicMode, .apicWidth, .apicDestination, .apicAccess,
            .interruptRoute:
            interruptExplanation
        case .hypervisorException, .hypervisorAbort, .hypervisorInstruction, .interruptState, .ioapicState,
            .iommuCommand,
            .iommuLocked, .messageFilterLocked, .dmarRegister, .dmarQueue, .identityMap:
            machineExplanation
        default: registerExplanation
        }
    }

    private var memoryExplanation: Explanation {
        switch self {
        case .port(let access, let port, let size): return portExplanation(access, port, size)
        case .memory(let access, let address, size: 0):
            return Explanation(
                summary:
                    "The program \(access.past) 0x\(hex(address)), or jumped there, and the hypervisor could not read "
                    + "the instruction.",
                advice:
                    "The address is outside the cell's memory: most often a jump through a wrong pointer, a stack or "
                    + "page table outside RAM, or an image that is linked for another address.")
        case .memory(let access, let address, let size), .dataAbort(let access, let address, let size):
            return Explanation(
                summary:
                    "The program \(access.past) \(bytes(size)) at 0x\(hex(address)), where the cell has no memory that "
                    + "it may \(access.rawValue).",
                entry: """
                    [[memory]]
                    physical = 0x\(hex(address & ~0xfff))
                    virtual = 0x\(hex(address & ~0xfff))
                    size = "4 KiB"
                    access = ["read", "write", "io"]
                    """,
                advice: "Add the region only for a device that is the cell's own. For RAM, correct the program's link "
                    + "address or the size of the cell's RAM.")
        case .subPage(let access, let address, let size):
            return Explanation(
                summary:
                    "The program \(access.past) \(bytes(size)) at the physical address 0x\(hex(address)), in a region "
                    + "smaller than a page that forbids this right, width or alignment.",
                advice:
                    "Correct the access flags of that region (io-8, io-16, io-32, io-64, io-unaligned), or the width of "
                    + "the driver's access.")
        case .instructionAbort(let address):
            return Explanation(
                summary: address < 0x1000 && address & 0x7f == 0
                    ? "An exception went to the vector table at address 0 (0x\(hex(address))): VBAR_EL1 was never set."
                    : "The program jumped to 0x\(hex(address)), where the cell has no executable memory.",
                advice: address < 0x1000 && address & 0x7f == 0
                    ? "Install exception vectors at the start of the program; the first exception is the actual fault."
                    : "Check the image's load address, the reset address, and function pointers.")
        case .unreadableInstruction:
            return Explanation(
                summary: "The program jumped to an address without memory.",
                advice: "Check function pointers, the stack, and the image's link address.")
        case .unsupportedInstruction:
            return Explanation(
                summary: "The program accessed trapped memory with an instruction that the hypervisor does not emulate "
                    + "(only MOV and MOVZX are).",
                advice: "Access device registers with plain MOV instructions (volatile reads and writes), or map the "
                    + "region if it is RAM.")
        case .pagingMode:
            return Explanation(
                summary:
                    "The program accessed a trapped address, and its paging mode is none that the hypervisor follows to read the instruction.",
                advice: "Use 64-bit paging, or 32-bit paging without PAE, or none.")
        case .inconsistentAccess:
            return Explanation(
                summary: "The hypervisor decoded another instruction than the CPU executed.",
                advice: "The program probably changed its own code; report it if not.")
        default:
            return Explanation(
                summary: "The program misused the hypervisor's test device.", advice: "Leave the test device out.")
        }
    }

    private func portExplanation(_ access: Access, _ port: UInt64, _ size: UInt64) -> Explanation {
        let (device, serialPort) = (PCPorts.boardDevice(at: port), PCPorts.serialPort(at: port))
        let name = (device ?? serialPort).map { ": \(PCPorts.registers[port] ?? $0.name)" } ?? ""
        let summary =
            "The program \(access.past) the I/O port 0x\(hex(port)) (\(bytes(size)))\(name), which is not the cell's."
        if let serialPort {
            return Explanation(
                summary: summary,
                entry: """
                    [[ports]]
                    base = 0x\(hex(serialPort.ports.lowerBound))
                    count = \(serialPort.ports.count)
                    """,
                advice:
                    "Grant it only if Linux does not use this serial port: no console=ttyS…, no getty, no other driver."
            )
        }
        if let device {
            return Explanation(
                summary: summary,
                advice:
                    "Do not grant it: the device is Linux's, and a CPU of Linux that uses it meanwhile is parked for good. "
                    + "In the program, \(PCPorts.substitute(at: port) ?? device.substitute).")
        }
        return Explanation(
            summary: summary,
            entry: """
                [[ports]]
                base = 0x\(hex(port))
                count = \(max(size, 1))
                """,
            advice: "Grant it only for a device that is the cell's own; /proc/ioports shows who uses it in Linux.")
    }

    private var pciExplanation: Explanation {
        switch self {
        case .pciConfiguration(let access, let device, let register, let size),
            .pciMemory(let access, let device, let register, let size):
            return Explanation(
                summary:
                    "The program \(access.past) register 0x\(hex(register)) (\(bytes(size))) in the configuration space of "
                    + "the PCI device \(device), which is not the cell's or protects this register.",
                entry: """
                    [[pci-device]]
                    bdf = "\(device)"\(register < 0x40 ? "" : "\ncapabilities = 1\n\n" + Surroundings.registers(at: register))
                    """,
                advice: register < 0x40
                    ? "If the cell has the device, this register of the header is protected. Grant a device only if no driver of "
                        + "Linux uses it."
                    : "If the cell has the device, the register lies in a capability that is not writable, or in none: then a "
                        + "record with the id 0 makes it writable. Grant a device only if no driver of Linux uses it.")
        case .pciPort(let access, let port, let size):
            return Explanation(
                summary:
                    "The program \(access.past) the PCI configuration port 0x\(hex(port)) with \(bytes(size)), a width or "
                    + "offset that the hypervisor does not moderate.",
                advice: "Write the address port with 4 bytes, and do not access beyond the end of the data port.")
        case .vectorTable(let device):
            return Explanation(
                summary:
                    "The program accessed the MSI-X table of the PCI device \(device) in a way that is not allowed: "
                    + "unaligned, its pending bits, or a vector beyond the cell's number.",
                advice: "Compare msix-vectors and msix-address of the device with what 'lspci -vv' shows.")
        default:
            return Explanation(
                summary: "The program directed a vector of an ivshmem device to a CPU outside the cell.",
                advice: "Use APIC ids of the cell's own CPUs as destinations; the communication region lists them.")
        }
    }

    private var interruptExplanation: Explanation {
        switch self {
        case .ioapic(let access, let register, _):
            Explanation(
                summary:
                    "The program \(access.past) the IOAPIC's register 0x\(hex(register)) in a way that is not allowed: a "
                    + "pin or register that does not exist, or a redirection entry with a foreign destination or another "
                    + "delivery mode than fixed or lowest priority.",
                entry: """
                    [[interrupt-chip]]
                    address = 0xfec00000
                    pins = [4]
                    """,
                advice: "List the pins that the cell uses; send their interrupts to the cell's own CPUs.")
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
        case .apicAccess:
            Explanation(
                summary:
                    "The program accessed the local APIC's window in a way that is not allowed: unaligned, or as code.",
                advice: "Use aligned 4-byte accesses with MOV.")
        case .interruptRoute(let number):
            Explanation(
                summary: "The program routed the interrupt \(number) to a CPU outside the cell.",
                advice: "Correct the affinity in the program; never allow it.")
        default: registerExplanation
        }
    }
}

extension Access {
    var past: String { self == .read ? "read" : "wrote" }
}

func hex(_ number: UInt64) -> String { String(number, radix: 16) }

func bytes(_ count: UInt64) -> String { count == 1 ? "1 byte" : "\(count) bytes" }
