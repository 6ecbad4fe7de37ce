// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

extension Death {
    /// What happened, by all that is known.
    ///
    /// - Parameter isRootCell: it was a CPU of Linux.
    package func explanation(isRootCell: Bool = false, in surroundings: Surroundings = Surroundings()) -> Explanation {
        guard let violation else {
            return Explanation(
                summary:
                    "The text has no reason for it; the reason is lost if two CPUs fail at the same time, or if the console overran.",
                advice: isRootCell
                    ? "Linux has lost that CPU until the next boot. Look in the whole console for the reason of another CPU."
                    : "'status' names all failed CPUs; the reason of the CPU that printed is often the same.")
        }
        return violation.explanation(isRootCell: isRootCell, in: surroundings, registers: registers)
    }
}

extension Violation {
    /// - Parameter registers: of the dump.
    package func explanation(
        isRootCell: Bool = false, in surroundings: Surroundings, registers: [String: UInt64] = [:]
    ) -> Explanation {
        var explanation = explanation(isRootCell: isRootCell)
        explanation.rule = isRootCell ? rootRule : rule
        guard !isRootCell else {
            explanation.notes += surroundings.rootNotes(of: self)
            return explanation
        }
        switch self {
        case .port(_, let port, _): surroundings.complete(&explanation, port: port, registers)
        case .memory(let access, let address, let size):
            let isFetch = size == 0 && (registers["rip"] == nil || registers["rip"] == address)
            if size == 0, registers["rip"] == address {
                explanation.summary =
                    "The program jumped to 0x\(hex(address)), where the cell has no memory to execute."
                explanation.advice =
                    "Check function pointers, the return address on the stack, and the address for which the image is linked."
            }
            surroundings.complete(&explanation, address: address, access, isFetch: isFetch, registers)
        case .dataAbort(let access, let address, let size):
            surroundings.complete(&explanation, address: address, access, isFetch: false, registers)
            if let syndrome = registers["iss"], registers["esr"] == 0x24, size == 1, syndrome & 0x100_0000 == 0 {
                explanation.notes.append(
                    "The instruction was none that the hypervisor can follow (a pair, an exclusive access or one with "
                        + "write-back), so the size is not known.")
            }
        case .instructionAbort(let address):
            surroundings.complete(&explanation, address: address, .read, isFetch: true, registers)
        case .subPage(let access, let address, _): surroundings.complete(&explanation, physical: address, access)
        case .pciConfiguration(_, let device, let register, _), .pciMemory(_, let device, let register, _):
            surroundings.complete(&explanation, device: device, register: register)
        case .pciPort: Surroundings.completeAddressPort(&explanation, registers)
        case .tripleFault: surroundings.completeTripleFault(&explanation, registers)
        case .vmExit(reason: 49):
            if let address = registers["phys"] {
                surroundings.complete(&explanation, address: address, .read, isFetch: false, registers)
                explanation.entry = nil
            }
        case .armTrap(let kind, _): explanation.notes += ArmSyndrome.notes(class: kind, registers)
        case .secureCall: explanation.notes += ArmSyndrome.notes(class: 0x17, registers)
        case .ioapic:
            if let chip = surroundings.cell?.interruptChips.first(where: { $0.address == 0xfec0_0000 }) {
                let pins = chip.pins.map(String.init).joined(separator: ", ")
                explanation.notes.append(
                    pins.isEmpty ? "The cell has no pin of the IOAPIC." : "The cell has the pins \(pins).")
            }
        default: break
        }
        return explanation
    }

    /// The rule of `check` that says so of a cell.
    private var rule: String? {
        switch self {
        case .port(_, let port, _):
            PCPorts.boardDevice(at: port) != nil ? "JH0841" : PCPorts.serialPort(at: port) != nil ? "JH0402" : nil
        case .subPage: "JH0204"
        case .pciConfiguration, .pciMemory: "JH1016"
        case .vectorTable: "JH1008"
        case .vectorTarget: "JH0602"
        case .ioapic: "JH1104"
        case .interruptRoute: "JH1103"
        case .instructionAbort, .unreadableInstruction: "JH0811"
        case .armTrap(class: 0x12, _), .armTrap(class: 0x13, _): "JH0815"
        case .armTrap(class: 0x24, isForbidden: true): "JH1110"
        case .armTrap(class: 0x20, _): "JH0811"
        case .keyboardController: "JH1504"
        case .hypervisorAbort: "JH1307"
        case .hypervisorException: "JH0701"
        default: nil
        }
    }

    /// The rule that says so of what a cell takes from Linux.
    private var rootRule: String? {
        switch self {
        case .port(_, let port, _): PCPorts.boardDevice(at: port) != nil ? "JH1302" : "JH1301"
        case .memory, .dataAbort: "JH1303"
        case .pciConfiguration, .pciMemory, .vectorTable: "JH1010"
        case .hypervisorAbort: "JH1307"
        case .hypervisorException: "JH0701"
        default: nil
        }
    }
}

extension Surroundings {
    fileprivate func complete(_ explanation: inout Explanation, port: UInt64, _ registers: [String: UInt64]) {
        explanation.notes += portNotes(port) + owners(ofPort: port)
        if case .x86(let platform)? = system?.platform.specific, platform.pmTimerPort > 0,
            (UInt64(platform.pmTimerPort)..<UInt64(platform.pmTimerPort) + 4).contains(port)
        {
            explanation.notes.append(
                "The PM timer's 4 ports are readable in every cell; only writing them is forbidden.")
            explanation.entry = nil
            explanation.advice = "Only read the PM timer, 4 bytes at a time."
        }
        if PCPorts.pciConfiguration.ports.contains(port) { Self.completeAddressPort(&explanation, registers) }
        if let other = others.first(where: { $0.ioPortRegions.contains { $0.contains(port) } }) {
            explanation.entry = nil
            explanation.rule = "JH0607"
            explanation.advice = "Do not grant it: the cell \"\(other.name)\" has it. Correct the program."
        }
        if isRTEMS, explanation.entry == nil, PCPorts.boardDevice(at: port) != nil {
            explanation.advice +=
                " For an RTEMS program: link it with the layer of inmates/rtems, which replaces the drivers of "
                + "a PC's own hardware."
        }
    }

    /// What the program had written to 0xcf8, or was writing: bus, device, function and register.
    fileprivate static func completeAddressPort(_ explanation: inout Explanation, _ registers: [String: UInt64]) {
        guard let value = registers["rax"].map({ $0 & 0xffff_ffff }), value & 0x8000_0000 != 0,
            value & 0x7f00_0003 == 0,
            let address = PCIAddress(
                bus: Int(value >> 16 & 0xff), device: Int(value >> 11 & 0x1f), function: Int(value >> 8 & 7))
        else { return }
        explanation.notes.append(
            "The PCI configuration address 0x\(hex(value)) in RAX is the device \(address), register 0x\(hex(value & 0xfc))."
        )
    }

    fileprivate func complete(
        _ explanation: inout Explanation, address: UInt64, _ access: Access, isFetch: Bool,
        _ registers: [String: UInt64]
    ) {
        // an exception without vectors is no access that one could allow
        let hasNoVectors = explanation.summary.contains("VBAR")
        let judgement = judge(address, access, isFetch: isFetch)
        explanation.notes += judgement.notes
        if let holder = isFetch ? nil : Self.holders(of: address, in: registers) { explanation.notes.append(holder) }
        if isFetch, let caller = registers["lr"], caller > 4 {
            explanation.notes.append("LR, the last return address, is 0x\(hex(caller)).")
        }
        guard !hasNoVectors else { return explanation.rule = nil }
        if isFetch || cell != nil && judgement.entry == nil && judgement.advice == nil { explanation.entry = nil }
        if let advice = judgement.advice {
            explanation.advice = advice
            explanation.entry = judgement.entry
        }
        explanation.rule = judgement.rule ?? explanation.rule
    }

    fileprivate func complete(_ explanation: inout Explanation, physical address: UInt64, _ access: Access) {
        guard let region = cell?.memoryRegions.first(where: { $0.containsPhysical(address) }) else { return }
        let seen = region.virtualStart &+ (address - region.physicalStart)
        explanation.notes.append(
            "It is in \"\(region.label)\", which the cell sees at \(region.rangeText): the program used 0x\(hex(seen)). Its "
                + "access is \(region.flags.words.joined(separator: ", ")).")
        let wanted =
            region.flags.contains(access == .read ? .read : .write) ? ["io-8", "io-16", "io-32"] : [access.rawValue]
        explanation.entry = region.access(with: wanted)
    }

    fileprivate func complete(_ explanation: inout Explanation, device: String, register: UInt64) {
        let driver = drivers[device].map { "Linux's driver \"\($0)\" has the device \(device)." }
        explanation.notes += [driver].compactMap(\.self)
        let own = cell?.pciDevices.first { $0.address.description == device }
        guard let cell, let own else {
            if cell != nil {
                explanation.notes.append("The cell does not have the device \(device).")
                explanation.rule = "JH1010"
            }
            if let other = others.first(where: { $0.pciDevices.contains { $0.address.description == device } }) {
                (explanation.entry, explanation.rule) = (nil, "JH0604")
                explanation.advice = "Do not grant it: the cell \"\(other.name)\" has the device."
            }
            return
        }
        guard register >= 0x40 else {
            explanation.entry = nil
            explanation.notes.append(
                "The cell has the device; register 0x\(hex(register)) is in its header, which is protected.")
            explanation.advice =
                "Leave the write out: of the header a cell may write the command register, the BARs and a few others; the BARs "
                + "keep their addresses."
            return
        }
        let range = Int(own.firstCapability)..<Int(own.firstCapability) + Int(own.capabilityCount)
        let capabilities = range.clamped(to: cell.pciCapabilities.indices).map { cell.pciCapabilities[$0] }
        if let capability = capabilities.first(where: { $0.contains(register) }) {
            explanation.notes.append(
                "The cell has the device; the register is in its capability 0x\(hex(UInt64(capability.id & 0x7fff))) at "
                    + "0x\(hex(UInt64(capability.start))), which is not writable.")
            explanation.entry = "writable = true    # in [[pci-capability]] at 0x\(hex(UInt64(capability.start)))"
            explanation.advice =
                "Add it to that [[pci-capability]] if the program's driver needs it; MSI and MSI-X are moderated and safe."
        } else {
            explanation.notes.append("The cell has the device; the register lies in none of its capabilities.")
            explanation.entry = Self.registers(at: register)
            explanation.advice =
                "A record with the id 0 makes registers writable that lie in no capability. Put it next to the device's other "
                + "capabilities and count it in \"capabilities\". Grant only registers that do not leave the device."
        }
    }

    /// A made-up capability over a register.
    static func registers(at register: UInt64) -> String {
        """
        [[pci-capability]]
        id = 0x0
        start = 0x\(hex(register & ~3))
        length = 4
        writable = true
        """
    }

    fileprivate func completeTripleFault(_ explanation: inout Explanation, _ registers: [String: UInt64]) {
        guard let cr0 = registers["cr0"] else { return }
        let (isProtected, isPaged) = (cr0 & 1 != 0, cr0 & 0x8000_0000 != 0)
        let mode =
            !isProtected ? "real mode" : (registers["efer"] ?? 0) & 0x400 != 0 ? "64-bit mode" : "32-bit protected mode"
        explanation.notes.append("The CPU was in \(mode), with paging \(isPaged ? "on" : "off").")
        if isPaged, let tables = registers["cr3"].map({ $0 & 0xf_ffff_ffff_f000 }) {
            explanation.notes.append(
                "Its page tables begin at 0x\(hex(tables))"
                    + (cell.map { cell in
                        cell.memoryRegions.contains { $0.contains(tables) } ? "." : ", where the cell has no memory."
                    } ?? ".")
                    + " An address beyond what they map raises a page fault; without a handler for it, this is what follows."
            )
        }
        for name in ["rip", "rsp"] {
            guard let cell, let address = registers[name], !isPaged || address < 1 << 32,
                !cell.memoryRegions.contains(where: { $0.contains(address) })
            else { continue }
            explanation.notes.append("\(name.uppercased()) 0x\(hex(address)) is in no memory of the cell.")
        }
    }

    /// Who has what Linux touched.
    fileprivate func rootNotes(of violation: Violation) -> [String] {
        switch violation {
        case .port(_, let port, _):
            let owner = owners(ofPort: port)
            return owner.isEmpty && system != nil
                && system?.rootCell.ioPortRegions.contains { $0.contains(port) } == false
                ? ["No cell has it: [root-cell] of the system configuration lacks the port."] : owner
        case .memory(_, let address, _), .dataAbort(_, let address, _), .subPage(_, let address, _),
            .instructionAbort(let address):
            var notes: [String] = []
            if let other = others.first(where: { $0.memoryRegions.contains { $0.containsPhysical(address) } }) {
                notes.append("The cell \"\(other.name)\" has 0x\(hex(address)).")
            } else if let system, !system.rootCell.memoryRegions.contains(where: { $0.containsPhysical(address) }) {
                notes.append("No cell has it: the system configuration's root cell lacks the address.")
            }
            if let resource = machine?.memory.last(where: { ($0.first...$0.last).contains(address) && $0.last > 0 }) {
                notes.append("Linux calls 0x\(hex(resource.first))–0x\(hex(resource.last)) \"\(resource.name)\".")
                for name in [resource.name] + resource.parents.reversed() {
                    guard let driver = drivers[String(name.dropFirst(5))] else { continue }
                    notes.append("Its driver in Linux is \"\(driver)\".")
                    break
                }
            }
            return notes
        case .pciConfiguration(_, let device, _, _), .pciMemory(_, let device, _, _), .vectorTable(let device):
            let owner = others.first { $0.pciDevices.contains { $0.address.description == device } }
            return [
                owner.map { "The cell \"\($0.name)\" has \(device)." },
                drivers[device].map { "Its driver in Linux is \"\($0)\"." },
            ]
            .compactMap(\.self)
        default: return []
        }
    }
}

extension PCICapability {
    fileprivate func contains(_ register: UInt64) -> Bool {
        register >= UInt64(start) && register < UInt64(start) + UInt64(length)
    }
}

extension DMAFault {
    /// With the cell that has the device, and what the address is there.
    package func explanation(in surroundings: Surroundings) -> Explanation {
        var explanation = explanation
        explanation.rule = "JH1015"
        let cells = [surroundings.cell].compactMap(\.self) + surroundings.others
        let owner = cells.first { $0.pciDevices.contains { $0.address.description == device } }
        explanation.notes.append(
            owner.map { "The device is the cell \"\($0.name)\"'s." }
                ?? "No known cell has the device, so it is Linux's, or nobody's.")
        if let driver = surroundings.drivers[device] {
            explanation.notes.append("Its driver in Linux is \"\(driver)\".")
        }
        guard let address else { return explanation }
        guard let owner else {
            if let taken = cells.first(where: { $0.memoryRegions.contains { $0.containsPhysical(address) } }) {
                explanation.notes.append("0x\(hex(address)) is memory of the cell \"\(taken.name)\".")
            }
            explanation.advice =
                "Linux's driver used memory that Linux does not have for DMA: it is a cell's, or its region in [root-cell] lacks the access "
                + "\"dma\". Unbind the driver before cells are created, or add the access for memory that is Linux's."
            return explanation
        }
        if let region = owner.memoryRegions.first(where: { $0.contains(address) }) {
            explanation.notes.append(
                "0x\(hex(address)) is in \"\(region.label)\", which "
                    + (region.flags.contains(.dma) ? "allows DMA." : "lacks the access \"dma\"."))
            if !region.flags.contains(.dma) {
                explanation.entry = region.access(with: ["dma"])
            }
        } else {
            explanation.notes.append(
                "The cell has no memory at 0x\(hex(address)): devices use the cell's addresses (virtual), not the machine's."
            )
        }
        return explanation
    }
}
