// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

extension Death {
    /// What happened, by all that is known.
    ///
    /// - Parameter isRootCell: it was a CPU of Linux.
    package func explanation(isRootCell: Bool = false, in surroundings: Surroundings = Surroundings()) -> Explanation {
        guard let violation else {
            if isStopped {
                return Explanation(
                    summary: "The hypervisor itself failed on this CPU; why is not in the text.",
                    advice:
                        "The CPU is gone until the next boot, and the next load, start or destroy of its cell would hang Linux: give no "
                        + "more commands, save your work and reset the machine. Report it upstream with the whole console."
                )
            }
            return Explanation(
                summary:
                    "The text has no reason for it; the reason is lost if two CPUs fail at the same time, or if the console overran.",
                advice: isRootCell
                    ? "Linux has lost that CPU until the next boot. Look in the whole console for the reason of another CPU."
                    : "'status' names all failed CPUs; the reason of the CPU that printed is often the same.")
        }
        var explanation = violation.explanation(isRootCell: isRootCell, in: surroundings, registers: registers)
        if isStopped, !isRootCell, !explanation.advice.contains("hang Linux") {
            explanation.advice +=
                " Give no more commands: the next load, start or destroy of its cell would hang Linux."
        }
        return explanation
    }
}

extension Violation {
    /// - Parameter registers: of the dump.
    package func explanation(
        isRootCell: Bool = false, in surroundings: Surroundings, registers: [String: UInt64] = [:]
    ) -> Explanation {
        var explanation = explanation(isRootCell: isRootCell)
        guard !isRootCell else {
            surroundings.complete(&explanation, ofLinux: self, registers)
            noteUnknownSize(registers, &explanation)
            return explanation
        }
        var rules = relatedRules
        switch self {
        case .port(_, let port, let size):
            surroundings.complete(&explanation, port: port, size: size, registers, &rules)
        case .memory(let access, let address, let size):
            let isFetch = size == 0 && (registers["rip"] == nil || registers["rip"] == address)
            if size == 0, registers["rip"] == address {
                explanation.summary =
                    "The program jumped to 0x\(hex(address)), where the cell has no memory to execute."
                explanation.advice =
                    "Check function pointers, the return address on the stack, and the address for which the image is linked."
            }
            surroundings.complete(
                &explanation, address: address, size: size, access, isFetch: isFetch, registers, &rules)
        case .unsupportedInstruction(_, let trapped?), .inconsistentAccess(let trapped?), .pagingMode(let trapped?):
            surroundings.complete(&explanation, trapped)
        case .dataAbort(let access, let address, let size):
            surroundings.complete(&explanation, address: address, size: size, access, isFetch: false, registers, &rules)
            noteUnknownSize(registers, &explanation)
        case .instructionAbort(let address):
            let exception = VectorTable.exception(at: address, registers)
            explanation = exception.map { VectorTable.explanation($0, at: address) } ?? VectorTable.jump(to: address)
            if exception != nil { rules = RelatedRules() }
            surroundings.complete(&explanation, address: address, size: 4, .read, isFetch: true, registers, &rules)
        case .subPage(let access, let address, let size):
            surroundings.complete(&explanation, physical: address, size: size, access)
        case .pciConfiguration(_, let device, let register, let size),
            .pciMemory(_, let device, let register, let size):
            surroundings.complete(&explanation, device: device, register: register, size: size)
        case .pciPort: Surroundings.completeAddressPort(&explanation, registers)
        case .tripleFault: surroundings.completeTripleFault(&explanation, registers)
        case .vmExit(reason: 49):
            if let address = registers["phys"] {
                let own = explanation
                surroundings.complete(&explanation, address: address, size: 1, .read, isFetch: false, registers, &rules)
                (explanation.entry, explanation.advice) = (nil, own.advice)
                if let region = surroundings.cell?.memoryRegions.first(where: { $0.contains(address) }) {
                    explanation.notes = [
                        "0x\(hex(address)) is in the cell's region \"\(region.label)\" (\(region.rangeText))."
                    ]
                }
                rules = RelatedRules()
            }
        case .armTrap(let kind, _): explanation.notes += ArmSyndrome.notes(class: kind, registers)
        case .secureCall: explanation.notes += ArmSyndrome.notes(class: 0x17, registers)
        case .ioapic:
            if let chip = surroundings.cell?.interruptChips.first(where: { $0.address == 0xfec0_0000 }) {
                let pins = chip.pins.map(String.init).joined(separator: ", ")
                explanation.notes.append(
                    pins.isEmpty ? "The cell has no pin of the IOAPIC." : "The cell has the pins \(pins).")
            }
        case .extendedControlRegister:
            if let control = registers["cr4"], control >> 18 & 1 == 0 {
                explanation.notes.append(
                    "CR4 was 0x\(hex(control)): OSXSAVE (bit 18) is not set, and without it every XSETBV is refused.")
            }
        case .hypervisorException(14):
            explanation.notes += registers["cr2"].map { ["The address was 0x\(hex($0))."] } ?? []
        case .hypervisorAbort: surroundings.completeAbort(&explanation, registers)
        default: break
        }
        if !surroundings.isKnown, isMemory, explanation.entry != nil {
            explanation.entry = nil
            explanation.advice += " With --cell and --system (and --root) the answer says what is at the address."
        }
        explanation.rule = rules.named(by: surroundings)
        if surroundings.isLinux, needsLinuxGuest {
            explanation.advice =
                "\(isPort ? "Do not grant it. " : "")Build the cell's kernel with CONFIG_JAILHOUSE_GUEST, and start it "
                + "by the loader for Linux, which passes it the setup data by which it notices: such a kernel does without."
            explanation.entry = nil
        }
        return explanation
    }

    /// The hypervisor prints 1 byte where the syndrome has no size.
    private func noteUnknownSize(_ registers: [String: UInt64], _ explanation: inout Explanation) {
        guard case .dataAbort(_, _, size: 1) = self, registers["esr"] == 0x24, let syndrome = registers["iss"],
            syndrome & 0x100_0000 == 0
        else { return }
        explanation.summary = explanation.summary.replacing(" 1 byte at ", with: " memory at ")
        explanation.notes.append(
            "The instruction was none that the hypervisor can follow (a pair, an exclusive access or one with write-back), so "
                + "the size is not known.")
    }

    private var isMemory: Bool {
        switch self {
        case .memory, .dataAbort: true
        default: false
        }
    }

    private var isPort: Bool { if case .port = self { true } else { false } }

    /// What a Linux touches that does not know that it is in a cell.
    private var needsLinuxGuest: Bool {
        switch self {
        case .port(_, let port, _): PCPorts.linuxDoesWithout.contains { $0.contains(port) }
        case .msr, .apicVector, .apicDelivery: true
        default: false
        }
    }
}

extension Surroundings {
    fileprivate func complete(
        _ explanation: inout Explanation, port: UInt64, size: UInt64, _ registers: [String: UInt64],
        _ rules: inout RelatedRules
    ) {
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
        if let own = ownPorts(at: port) {
            (explanation.entry, rules) = (nil, RelatedRules())
            if port + max(size, 1) - 1 > own.last {
                explanation.notes.append("The access begins in \(own.label) (\(own.rangeText)) and ends behind it.")
                explanation.advice = "Access the last ports of \(own.label) with 1 byte each; nothing is to be granted."
            } else {
                explanation.notes.append("The cell has \(own.rangeText) (\(own.label)) in the file that was given.")
                explanation.advice =
                    "The file is not what the cell was created with, or it was changed since: compare them."
            }
            return
        }
        if let other = others.first(where: { $0.ioPortRegions.contains { $0.contains(port) } }) {
            explanation.entry = nil
            rules = RelatedRules(possible: ["JH0607"])
            explanation.advice = "Do not grant it: the cell \"\(other.name)\" has it. Correct the program."
        }
        if explanation.entry != nil, let device = linuxDevice(atPort: port) {
            explanation.entry = nil
            let driver = drivers[String(device.dropFirst(5))].map { " (its driver is \"\($0)\")" } ?? ""
            explanation.advice =
                "Do not grant it: Linux has it for \"\(device)\"\(driver), and a CPU of Linux that uses it meanwhile is parked for good. "
                + "Unbind or unload its driver first, if the device is to be the cell's."
        } else if let region = system?.rootCell.ioPortRegions.first(where: { $0.contains(port) }), !region.name.isEmpty
        {
            explanation.notes.append("The system configuration has it in Linux's ports \"\(region.name)\".")
            if ["power", "acpi", "pm timer", "gpe"].contains(where: region.name.lowercased().contains) {
                explanation.entry = nil
                explanation.advice =
                    "Do not grant it: it is the machine's power management, which Linux needs, and a write may switch the machine off."
            }
        }
        if isRTEMS, explanation.entry == nil, PCPorts.boardDevice(at: port) != nil {
            if let guest = explanation.advice.firstRange(of: " A Linux guest needs") {
                explanation.advice.removeSubrange(guest.lowerBound...)
            }
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
        _ explanation: inout Explanation, address: UInt64, size: UInt64, _ access: Access, isFetch: Bool,
        _ registers: [String: UInt64], _ rules: inout RelatedRules
    ) {
        // an exception without vectors is no access that one could allow
        let hasNoVectors = explanation.summary.contains("VBAR")
        let judgement = judge(address, size: max(size, 1), access, isFetch: isFetch)
        explanation.notes += judgement.notes
        if let holder = isFetch ? nil : Self.holders(of: address, in: registers) { explanation.notes.append(holder) }
        if let caller = registers["lr"] ?? registers["r14"], caller > 4 {
            explanation.notes.append(VectorTable.note(caller: caller, isFetch ? address : nil, registers))
        }
        guard !hasNoVectors else { return }
        if isFetch || judgement.isForbidden { explanation.entry = nil }
        if let advice = judgement.advice {
            explanation.advice = advice
            explanation.entry = judgement.entry
        }
        if !isFetch, access == .write, let fault = stackFault(address, registers) {
            explanation.notes.append(fault.note)
            explanation.advice = fault.advice
            explanation.entry = nil
        }
        rules.certain = judgement.rule ?? rules.certain
        rules.possible += judgement.possibleRules
    }

    fileprivate func complete(
        _ explanation: inout Explanation, physical address: UInt64, size: UInt64, _ access: Access
    ) {
        guard let region = cell?.memoryRegions.first(where: { $0.containsPhysical(address) }) else { return }
        let seen = region.virtualStart &+ (address - region.physicalStart)
        explanation.notes.append(
            "It is in \"\(region.label)\", which the cell sees at \(region.rangeText): the program used 0x\(hex(seen)). Its "
                + "access is \(region.flags.words.joined(separator: ", ")).")
        let missing = SubPageRights(access, address, size: size).missing(in: region)
        guard !missing.isEmpty else {
            explanation.advice =
                "The file allows this access: it is not what the cell was created with, or was changed since."
            return
        }
        explanation.entry = region.access(with: missing)
    }

    /// An access that only another instruction would make.
    fileprivate func complete(_ explanation: inout Explanation, _ trapped: TrappedAccess) {
        if let region = cell?.memoryRegions.first(where: { $0.contains(trapped.address) }) {
            // the address may be right: the instruction is at fault
            explanation.notes.append(
                "0x\(hex(trapped.address)) is in the cell's region \"\(region.label)\" (\(region.rangeText)).")
            let flag: MemoryRegion.Flags = trapped.access == .read ? .read : .write
            // only what is smaller than a page traps although the cell has it
            if !region.isSubPage, region.flags.contains(flag) {
                explanation.notes.append("The file that was given allows it, and such a region is not trapped.")
                explanation.advice =
                    "The file is not what the cell was created with, or it was changed since: compare them."
            }
            return
        }
        let judgement = judge(trapped.address, size: 1, trapped.access, isFetch: false)
        explanation.notes += judgement.notes
        if emulated(trapped.address) == nil, judgement.isForbidden, let advice = judgement.advice {
            explanation.advice = advice
        }
    }
}
