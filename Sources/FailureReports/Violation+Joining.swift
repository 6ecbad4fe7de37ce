// SPDX-License-Identifier: Apache-2.0

extension Violation {
    /// The reason of a failure of which two lines give a reason; nil: they are of two failures.
    ///
    /// The particular line comes first on x86, and a line about the trapped access follows it; on Arm the verdict follows.
    func joined(with next: Violation) -> Violation? {
        switch (self, next) {
        // a reason that another CPU's text cut: the verdict says what it was
        case (.unknown, .armTrap): next
        case (.armTrap, .armTrap): nil
        case (_, .armTrap): self
        case (.unreadableInstruction, .memory(let access, let address, _)): .memory(access, address, size: 0)
        case (.unsupportedInstruction(let bytes, nil), _):
            next.trapped.map { .unsupportedInstruction(bytes, $0) }
        case (.inconsistentAccess(nil), _): next.trapped.map { .inconsistentAccess($0) }
        case (.pagingMode(nil), _): next.trapped.map { .pagingMode($0) }
        case (_, .apicAccess) where isOfAPIC: self
        case (_, .msr(_, 0x800...0x8ff)) where isOfAPIC: self
        case (.pageAttributes, .msr(_, 0x277)), (.keyboardController, .port(_, 0x60...0x64, _)),
            (.pciConfiguration, .port(_, 0xcf8...0xcff, _)), (.pciPort, .port(_, 0xcf8...0xcff, _)):
            self
        case (_, .memory) where isOfEmulatedMemory, (_, .dataAbort) where isOfEmulatedMemory: self
        default: nil
        }
    }

    /// Where the access went, of a line that gives no other reason.
    private var trapped: TrappedAccess? {
        switch self {
        case .memory(let access, let address, _): TrappedAccess(access, address)
        case .apicAccess(let trapped, isFetch: _): trapped
        default: nil
        }
    }

    private var isOfAPIC: Bool {
        switch self {
        case .apicDelivery, .apicReserved, .apicVector, .apicMode, .apicWidth, .apicDestination,
            .unreadableInstruction:
            true
        default: false
        }
    }

    private var isOfEmulatedMemory: Bool {
        switch self {
        case .subPage, .pciMemory, .vectorTable, .vectorTarget, .ioapic, .dmarRegister, .dmarQueue, .testDevice: true
        default: false
        }
    }

    /// With what the dump says better than the reason's line, of which a part may be lost.
    func completed(by registers: [String: UInt64]) -> Violation {
        guard let counter = registers["pc"] else { return self }
        switch self {
        case .armTrap(class: 0x20, _): return .instructionAbort(counter)
        case .instructionAbort(let address)
        where address != counter && hex(counter).hasPrefix(hex(address)):
            return .instructionAbort(counter)
        default: return self
        }
    }
}

extension Death {
    /// Where the instruction is that ended the CPU.
    ///
    /// The counter of the dump is behind an SMC (`elr:` is its address, since v0.13) and behind an HVC.
    static func programCounter(in registers: [String: UInt64]) -> UInt64? {
        if let counter = registers["rip"] { return counter }
        guard let counter = registers["pc"] else { return nil }
        switch registers["esr"] {
        case 0x17?:
            if let address = registers["elr"], address == counter || address &+ 4 == counter { return address }
            return counter >= 4 ? counter - 4 : counter
        case 0x16?: return counter >= 4 ? counter - 4 : counter
        default: return counter
        }
    }
}
