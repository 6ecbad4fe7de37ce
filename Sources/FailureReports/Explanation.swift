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
    /// Of a program in a cell, when nothing is known beside the console.
    var explanation: Explanation {
        switch self {
        case .port, .memory, .dataAbort, .subPage, .instructionAbort, .unreadableInstruction, .unsupportedInstruction,
            .inconsistentAccess, .pagingMode, .testDevice:
            memoryExplanation
        case .pciConfiguration, .pciPort, .pciMemory, .vectorTable, .vectorTarget, .linkRegister:
            pciExplanation
        case .ioapic, .apicDelivery, .apicReserved, .apicVector, .apicMode, .apicWidth, .apicDestination, .apicAccess,
            .interruptRoute:
            interruptExplanation
        case .hypervisorException, .hypervisorAbort, .hypervisorInstruction, .interruptState, .ioapicState,
            .iommuCommand,
            .iommuLocked, .messageFilterLocked, .dmarRegister, .dmarQueue, .identityMap, .hypervisorTrap:
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
                    "The program \(access.past) 0x\(hex(address)), or jumped there, and the hypervisor could not decode "
                    + "the instruction.",
                advice:
                    "The address is outside the cell's memory: most often a jump through a wrong pointer, a stack or "
                    + "page table outside RAM, or an image that is linked for another address.")
        case .memory(let access, let address, let size), .dataAbort(let access, let address, let size):
            return Explanation(
                summary:
                    "The program \(access.past) \(bytes(size)) at 0x\(hex(address)), where the cell has no memory that "
                    + "it may \(access.rawValue).",
                entry: Surroundings.region(over: address, size: size),
                advice: "Add the region only for a device that is the cell's own. For RAM, correct the program's link "
                    + "address or the size of the cell's RAM.")
        case .subPage(let access, let address, let size):
            let rights = SubPageRights(access, address, size: size).words.map { "\"\($0)\"" }.joined(separator: ", ")
            return Explanation(
                summary:
                    "The program \(access.past) \(bytes(size)) at the physical address 0x\(hex(address)), in a region "
                    + "smaller than a page that forbids this right, width or alignment.",
                advice:
                    "This access needs \(rights) in the region's \"access\". Add what it lacks only if the device has such "
                    + "registers; otherwise correct the width or alignment of the driver's access.")
        case .instructionAbort(let address):
            return VectorTable.exception(at: address).map { VectorTable.explanation($0, at: address) }
                ?? VectorTable.jump(to: address)
        case .unreadableInstruction:
            return Explanation(
                summary: "The program jumped to an address without memory.",
                advice: "Check function pointers, the stack, and the image's link address.")
        case .unsupportedInstruction(let code, let trapped):
            let text = code.map { ($0 < 16 ? "0" : "") + hex($0) }.joined(separator: " ")
            return Explanation(
                summary: "The program \(Self.place(trapped)) with an instruction that the hypervisor does not "
                    + "emulate (\(text); only MOV and MOVZX are).",
                advice: "Access device registers with plain MOV instructions (volatile reads and writes), or map the "
                    + "region if it is RAM.")
        case .pagingMode(let trapped):
            return Explanation(
                summary:
                    "The program \(Self.place(trapped)), and its paging mode is none that the hypervisor follows to read the "
                    + "instruction.",
                advice: "Use 64-bit paging, or 32-bit paging without PAE, or none.")
        case .inconsistentAccess(let trapped):
            return Explanation(
                summary: "The program \(Self.place(trapped)), and the hypervisor decoded another instruction than "
                    + "the CPU executed.",
                advice: "The program probably changed its own code; report it if not.")
        default:
            return Explanation(
                summary: "The program misused the hypervisor's test device.", advice: "Leave the test device out.")
        }
    }

    private static func place(_ trapped: TrappedAccess?) -> String {
        trapped.map { "\($0.access.past) the trapped address 0x\(hex($0.address))" } ?? "accessed a trapped address"
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
        if PCPorts.isModerated(port) {
            return Explanation(
                summary:
                    "The program \(access.past) \(PCPorts.registers[port] ?? "the PCI configuration port 0x\(hex(port))") (port "
                    + "0x\(hex(port)), \(bytes(size))) with a string or REP instruction, which the hypervisor does not moderate.",
                advice:
                    "Do not grant it: the hypervisor moderates these ports for every cell. Use single IN and OUT instructions "
                    + "(no INS, OUTS, REP).")
        }
        if let device {
            let guest =
                PCPorts.linuxDoesWithout.contains { $0.contains(port) }
                ? " A Linux guest needs CONFIG_JAILHOUSE_GUEST, and its loader." : ""
            return Explanation(
                summary: summary,
                advice:
                    "Do not grant it: the device is Linux's, and a CPU of Linux that uses it meanwhile is parked for good. "
                    + "In the program, \(PCPorts.substitute(at: port) ?? device.substitute).\(guest)")
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

    /// Whether whoever has a device may write these bytes of its header: command and status, cache line and timing, the BARs of an
    /// ordinary device, the interrupt line (hypervisor/pci.c).
    static func isHeaderOwners(_ register: UInt64, _ size: UInt64) -> Bool {
        (register..<register + max(size, 1)).allSatisfy { byte in
            [0x0c, 0x0d, 0x0f, 0x3c].contains(byte) || (0x04...0x07).contains(byte) || (0x10...0x27).contains(byte)
        }
    }

    private var pciExplanation: Explanation {
        switch self {
        case .pciConfiguration(let access, let device, let register, let size),
            .pciMemory(let access, let device, let register, let size):
            guard size <= 4 else {
                return Explanation(
                    summary:
                        "The program read or wrote register 0x\(hex(register)) of the PCI device \(device) with \(bytes(size)): in "
                        + "the configuration space only 1, 2 and 4 bytes are possible.",
                    advice: "Use two accesses of 4 bytes: no entry of a definition allows this one.")
            }
            return Explanation(
                summary:
                    "The program \(access.past) register 0x\(hex(register)) (\(bytes(size))) in the configuration space of "
                    + "the PCI device \(device), which is not the cell's or protects this register.",
                entry: register < 0x40
                    ? "[[pci-device]]\nbdf = \"\(device)\"" : Surroundings.device(device, register: register, first: 0),
                advice: register < 0x40
                    ? Self.isHeaderOwners(register, size)
                        ? "A cell that has the device may write this register: the cell does not have it. Grant a device only if no driver of "
                            + "Linux uses it."
                        : "If the cell has the device, this register of the header is protected. Grant a device only if no driver of "
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
        case .linkRegister(let access, let number):
            return Explanation(
                summary:
                    "The program \(access.past) the register \(number) of an ivshmem device, which has no such register.",
                advice: "Use only the device's documented registers; its layout is that of the hypervisor's release.")
        default:
            return Explanation(
                summary: "The program directed a vector of an ivshmem device to a CPU outside the cell.",
                advice:
                    "Use APIC ids of the cell's own CPUs as destinations: each CPU reads its own (CPUID, or the APIC's register)."
            )
        }
    }
}

extension Access {
    var past: String { self == .read ? "read" : "wrote" }
}

func hex(_ number: UInt64) -> String { String(number, radix: 16) }

func bytes(_ count: UInt64) -> String { count == 1 ? "1 byte" : "\(count) bytes" }
