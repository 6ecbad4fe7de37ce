// SPDX-License-Identifier: Apache-2.0

/// What the x86 monitor wrote down when it parked a CPU, and the hypervisor's lines for it.
struct X86Violation: Hashable, Sendable {
    var reason: MonitorMemory.Reason
    var details: [UInt64]
    /// In the order of MonitorMemory.Register.
    var registers: [UInt64]

    private func register(_ register: MonitorMemory.Register) -> UInt64 { registers[register.rawValue] }

    var registerLines: [String] {
        func wide(_ name: String, _ register: MonitorMemory.Register) -> String {
            "\(name): \(full(self.register(register)))"
        }
        let isLong = register(.efer) >> 10 & 1
        return [
            "\(wide("RIP", .rip)) \(wide("RSP", .rsp)) FLAGS: \(short(register(.flags)))",
            "\(wide("RAX", .rax)) \(wide("RBX", .rbx)) \(wide("RCX", .rcx))",
            "\(wide("RDX", .rdx)) \(wide("RSI", .rsi)) \(wide("RDI", .rdi))",
            "CS: \(short(register(.cs))) \(wide("BASE", .csBase)) AR-BYTES: \(short(register(.csAttributes))) "
                + "EFER.LMA \(isLong)",
            "\(wide("CR0", .cr0)) \(wide("CR3", .cr3)) \(wide("CR4", .cr4))",
            wide("EFER", .efer),
        ]
    }

    var reasonLines: [String] {
        let (first, second, third) = (details[0], details[1], details[2])
        func direction(_ isRead: UInt64) -> String { isRead != 0 ? "read" : "write" }
        switch reason {
        case .port:
            return ["FATAL: Invalid PIO \(direction(third)), port: \(short(first)) size: \(second)"]
        case .memory: return [memoryLine(first, second, third)]
        case .fetch: return ["FATAL: unable to get MMIO instruction", memoryLine(first, 0, 1)]
        case .instruction:
            let bytes = (0..<4).map { "0x" + padded(first >> UInt64($0 * 8) & 0xff, 2) }.joined(separator: " ")
            return ["FATAL: unsupported instruction (\(bytes))", memoryLine(second, 0, third)]
        case .register: return ["FATAL: Unhandled MSR \(direction(second)): \(short(first))"]
        // the processor refuses the guest's state: the hypervisor prints it as a failed entry
        case .exit where first == .max || first == 0xffff_ffff: return ["FATAL: VM-Entry failure, error -1"]
        case .exit:
            return [
                "FATAL: Unexpected #VMEXIT, exitcode \(short(first)), exitinfo1 \(full(second)) "
                    + "exitinfo2 \(full(third))"
            ]
        case .configurationPort:
            let (isRead, size) = (second >> 8, second & 0xff)
            // the data port, within the register that the address port selects
            guard isRead == 0, (0xcfc...0xcff).contains(first), first & 3 + size <= 4 else {
                return ["FATAL: Invalid PCI config \(direction(isRead)), port: 0x\(short(first)), size: \(size)"]
            }
            return [
                "FATAL: Invalid PCI config write, device \(function(third >> 8)), "
                    + "reg: 0x\(short(third & 0xfc + first & 3)), size: \(size)"
            ]
        case .configurationMemory:
            return [
                "FATAL: Invalid PCI MMCONFIG \(direction(third)), device \(function(first >> 16)), "
                    + "reg: 0x\(short(first & 0xffff)), size: \(second)"
            ]
        case .vectorTable: return ["FATAL: Invalid PCI MSI-X table/PBA access, device \(function(first))"]
        case .deliveryMode: return ["FATAL: Unsupported/invalid APIC delivery mode, ICR.lo=\(short(first))"]
        case .logicalDestination:
            return ["FATAL: Unsupported change to LDR: \(short(first))", apicLine(second, 1)]
        case .destinationFormat:
            return ["FATAL: Unsupported change to DFR: \(short(first))", apicLine(second, 1)]
        case .apicWidth: return ["FATAL: Unsupported APIC access width \(first)", apicLine(second, third)]
        case .apicReserved:
            return [
                "FATAL: Trying to set reserved APIC bits (reg \(padded(first, 2)), value \(padded(second, 8)))"
            ] + windowLine(third)
        case .apicLVT:
            return [
                "FATAL: Setting invalid LVT delivery mode (reg \(padded(first, 2)), value \(padded(second, 8)))"
            ] + windowLine(third)
        case .apicAccess: return [apicLine(first, second)]
        case .pins:
            return [
                "FATAL: Invalid IOAPIC \(direction(third)), reg: \(short(first)), index: \(short(second))"
            ]
        case .controlRegister: return ["FATAL: Unable to parse MOV-to-CR instruction"]
        case .attributes: return ["FATAL: Invalid PAT value: \(short(first))"]
        case .keyboard: return ["FATAL: Invalid write to i8042 controller port"]
        case .paging: return ["FATAL: Unsupported paging mode"]
        case .checkedRegion:
            return ["FATAL: Invalid MMIO \(direction(third)), address: \(short(first)), size: \(short(second))"]
        }
    }

    private func memoryLine(_ address: UInt64, _ size: UInt64, _ isRead: UInt64) -> String {
        "FATAL: Invalid MMIO/RAM \(isRead != 0 ? "read" : "write"), addr: \(full(address)) size: \(size)"
    }

    private func apicLine(_ offset: UInt64, _ isWrite: UInt64) -> String {
        "FATAL: Unhandled APIC access, offset \(offset & 0xffff), is_write: \(isWrite)"
    }

    /// Only an access through the window is one that was not handled.
    private func windowLine(_ detail: UInt64) -> [String] { detail >> 32 & 1 != 0 ? [apicLine(detail, 1)] : [] }

    private func function(_ number: UInt64) -> String {
        "\(padded(number >> 8 & 0xff, 2)):\(padded(number >> 3 & 0x1f, 2)).\(number & 7)"
    }
}

/// `0x` and 16 digits.
private func full(_ number: UInt64) -> String { "0x" + padded(number, 16) }

private func short(_ number: UInt64) -> String { String(number, radix: 16) }

private func padded(_ number: UInt64, _ width: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
