// SPDX-License-Identifier: Apache-2.0

extension Violation {
    /// What is wrong with a value for an extended control register, by Intel's manual (SDM, volume 1, 13.3, and volume 2, XSETBV).
    private static func adviceForXSETBV(_ number: UInt64?, _ value: UInt64?) -> String {
        let order =
            "Set CR4.OSXSAVE (bit 18) first, read CPUID leaf 0xd (subleaf 0: EAX has the bits that XCR0 may have, EDX the upper half), and "
            + "write to XCR0 (ECX = 0) bit 0 and only such bits"
        if let number, number != 0 {
            return "There is no XCR\(number) to write: ECX must be 0, and EDX:EAX the value. \(order)."
        }
        guard let value else { return order + ": AVX (bit 2) needs SSE (bit 1)." }
        if value & 1 == 0 { return "Bit 0 (x87) of XCR0 must be 1: write 0x\(hex(value | 1)) at least. \(order)." }
        if value & 6 == 4 { return "AVX (bit 2) needs SSE (bit 1): write 0x\(hex(value | 2)). \(order)." }
        if value >> 32 != 0 { return "The upper half (EDX) must be 0: clear EDX before. \(order)." }
        return order + "; a library that was built for AVX or AVX-512 must ask CPUID as well."
    }

    var registerExplanation: Explanation {
        switch self {
        case .msr(let access, let number):
            Explanation(
                summary:
                    "The program \(access.past) the MSR 0x\(hex(number))\(Self.msrs[number].map { " (\($0))" } ?? ""), which "
                    + "is trapped and not emulated.",
                advice: "Leave the access out of the program: no entry of a definition allows it. A Linux guest needs "
                    + "CONFIG_JAILHOUSE_GUEST.")
        case .pageAttributes(let value):
            Explanation(
                summary: "The program wrote a reserved memory type into IA32_PAT (0x\(hex(value))).",
                advice: "Correct the value: each byte is 0, 1, 4, 5, 6 or 7.")
        case .keyboardController:
            Explanation(
                summary: "The program wrote a reset or A20 command to the keyboard controller (port 0x64).",
                advice:
                    "End or restart the program by its state in the communication region; a cell cannot reset the machine."
            )
        case .controlRegister(let qualification?):
            Explanation(
                summary: "The program executed \(Self.controlAccess(qualification)), which is not emulated.",
                advice: Self.adviceForControl(qualification))
        case .controlRegister:
            Explanation(
                summary:
                    "The program accessed a control register in a way that is not emulated (CLTS, LMSW, or another register "
                    + "than CR0 and CR4).",
                advice: "Use MOV to CR0 and CR4.")
        case .extendedControlRegister(let number, let value):
            Explanation(
                summary: "The program executed XSETBV with "
                    + (number.flatMap { number in value.map { "XCR\(number) = 0x\(hex($0))" } } ?? "a value")
                    + ", which this processor or CR4 does not allow.",
                advice: Self.adviceForXSETBV(number, value))
        case .tripleFault:
            Explanation(
                summary:
                    "Triple fault: the program's own exception could not be delivered, nor could the two that followed; it accessed "
                    + "nothing outside its cell.",
                advice:
                    "The program has no (or a broken) interrupt descriptor table, or "
                    + "its stack or page tables are not in memory. Look at RIP, and at what was executed last.")
        case .vmExit(reason: 49):
            Explanation(
                summary:
                    "The processor found the hypervisor's own page tables for the cell inconsistent (VM exit 49, EPT misconfiguration).",
                advice:
                    "It is no access that an entry allows: compare the cell's region at this address with what the machine has there, and "
                    + "report it upstream with the whole console.")
        case .vmExit(let reason):
            Explanation(
                summary: "The program executed something that the hypervisor does not support: VM exit \(reason)"
                    + "\(Self.exits[reason].map { ", \($0)" } ?? "").",
                advice: "Leave it out of the program: no entry of a definition allows it.")
        case .svmExit(let code):
            Explanation(
                summary: "The program executed something that the hypervisor does not support: #VMEXIT 0x\(hex(code))"
                    + "\(Self.codes[code].map { ", \($0)" } ?? "").",
                advice: "Leave it out of the program: no entry of a definition allows it.")
        case .guestState:
            Explanation(
                summary:
                    "The processor refused the program's state (segments or control registers that contradict each other).",
                advice: "Check the switch between processor modes: CR0, CR4, EFER and the segments.")
        case .secureCall(let function):
            Explanation(
                summary:
                    "The program made an SMC call of the architecture that the hypervisor does not know, or that this CPU's "
                    + "firmware does not have (0x\(hex(function))).",
                advice:
                    "Ask with SMCCC_ARCH_FEATURES (0x80000001) first. Only PSCI, the SMCCC version and the workarounds of the CPU are "
                    + "available in a cell.")
        case .armTrap(let kind, let isForbidden): Self.armExplanation(kind, isForbidden)
        case .unknown(let text):
            Explanation(
                summary: "The hypervisor parked the CPU, and says: \(text).",
                advice:
                    "This reason is not known here, or its line is cut off; please report it with the whole console.")
        default:
            Explanation(
                summary: "The hypervisor parked the CPU for a reason that is not known here.",
                advice: "See the console's lines.")
        }
    }

    private static func controlAccess(_ qualification: UInt64) -> String {
        let register = "CR\(qualification & 0xf)"
        return switch qualification >> 4 & 3 {
        case 0: "a MOV to \(register) from \(generalRegisters[Int(qualification >> 8 & 0xf)])"
        case 1: "a MOV from \(register) to \(generalRegisters[Int(qualification >> 8 & 0xf)])"
        case 2: "CLTS (it clears CR0.TS)"
        default: "LMSW (it changes CR0 by its low half)"
        }
    }

    private static func adviceForControl(_ qualification: UInt64) -> String {
        switch (qualification >> 4 & 3, qualification & 0xf) {
        case (2, _): "Read CR0, clear its bit 3 (TS), and write it with MOV to CR0."
        case (3, _): "Read CR0, change it, and write it with MOV to CR0."
        case (_, 8):
            "CR8 is the local APIC's task priority: write its register 0x80 (MSR 0x808 in x2APIC mode), or leave the access out."
        default:
            "Leave the access out of the program: only MOV to CR0 and to CR4 is emulated, and no entry of a definition allows others."
        }
    }

    /// By their numbers in instructions.
    private static let generalRegisters =
        ["RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI"] + (8..<16).map { "R\($0)" }

    private static let msrs: [UInt64: String] = [
        0x1b: "IA32_APIC_BASE", 0x277: "IA32_PAT", 0x2ff: "IA32_MTRR_DEF_TYPE", 0x38f: "IA32_PERF_GLOBAL_CTRL",
        0x830: "x2APIC ICR", 0xc000_0080: "EFER",
    ].merging((0x200...0x276).map { ($0, "a memory type range register (MTRR)") }) { first, _ in first }
        .merging((0xc90...0xd8f).map { ($0, "a mask of cache allocation, which Linux's resctrl writes") }) { first, _ in
            first
        }

    private static let exits: [UInt64: String] = [
        9: "task switch", 13: "INVD", 18: "VMCALL", 19: "VMCLEAR", 20: "VMLAUNCH", 21: "VMPTRLD", 22: "VMPTRST",
        23: "VMREAD", 24: "VMRESUME", 25: "VMWRITE", 26: "VMXOFF", 27: "VMXON", 54: "WBINVD",
    ]

    private static let codes: [UInt64: String] = [
        0x80: "VMRUN", 0x82: "VMLOAD", 0x83: "VMSAVE", 0x84: "STGI", 0x85: "CLGI", 0x86: "SKINIT",
    ]

    /// By the exception class, ESR_EL2.EC.
    private static func armExplanation(_ kind: UInt64, _ isForbidden: Bool) -> Explanation {
        switch kind {
        case 0x16:
            Explanation(
                summary: "The program made an HVC call that is none of the hypervisor's.",
                advice: "PSCI is called with SMC in a cell: set method = \"smc\" in the device tree.")
        // the 32-bit hypervisor has a handler, and refuses another number than its own
        case 0x12 where isForbidden:
            Explanation(
                summary: "The program made an HVC call that is none of the hypervisor's.",
                advice: "PSCI is called with SMC in a cell: set method = \"smc\" in the device tree.")
        case 0x12:
            Explanation(
                summary: "The program made an HVC call in AArch32, which the 64-bit hypervisor does not answer.",
                advice:
                    "A cell with aarch32 = true has neither a virtual console nor hypercalls: leave them out, or build the program for "
                    + "AArch64.")
        case 0x13:
            Explanation(
                summary: "The program, in AArch32, made an SMC call that the hypervisor does not answer.",
                advice:
                    "On a 64-bit hypervisor a cell with aarch32 = true has no PSCI at all, so one CPU only; on a 32-bit one use the "
                    + "32-bit functions of PSCI.")
        case 0x17 where isForbidden:
            Explanation(
                summary: "The program made an SMC call that this CPU's firmware does not have.",
                advice:
                    "Ask with SMCCC_ARCH_FEATURES (0x80000001) first whether the CPU has the workaround, and call it only then."
            )
        case 0x17:
            Explanation(
                summary:
                    "The program made an SMC call to a service that a cell does not have (such as OP-TEE or SCMI).",
                advice: "Remove the service from the device tree, or the call from the program.")
        case 0x18:
            Explanation(
                summary:
                    "The program accessed a system register that is trapped and not emulated (ACTLR_EL1, ICC_SGI…).",
                advice: "Leave the access out of the program.")
        case 0x03, 0x04, 0x05, 0x06:
            Explanation(
                summary:
                    "The program, in AArch32, accessed a coprocessor register that is trapped and not emulated (ACTLR, ICC_SGI…, debug).",
                advice: "Leave the access out of the program.")
        case 0x20:
            Explanation(
                summary: "The program jumped to an address where the cell has no executable memory.",
                advice: "Check the image's load address, the reset address, and function pointers.")
        case 0x24 where isForbidden:
            Explanation(
                summary: "The program accessed a device's registers in a way that is not allowed.",
                advice:
                    "Most often it is the MSI-X data of an ivshmem device: it must be an interrupt of the cell's own.")
        case 0x24:
            Explanation(
                summary:
                    "The program accessed an address where the cell has no memory; the line with the address is lost.",
                advice:
                    "Disassemble the instruction at the program counter: the registers of the dump hold the address.")
        case 0x07:
            Explanation(
                summary: "The program used floating-point or vector registers, which are trapped at EL2.",
                advice:
                    "CPACR_EL1 does not change this: what it forbids is an exception inside the program. Build the program without "
                    + "these registers (-mgeneral-regs-only), or without the extension (SVE) that the instruction belongs to."
            )
        case 0x09:
            Explanation(
                summary: "The program used pointer authentication, which is trapped.",
                advice: "Build the program without pointer authentication.")
        default:
            Explanation(
                summary:
                    "The program was trapped with the exception class 0x\(hex(kind)), which the hypervisor does not handle.",
                advice: "The Arm Architecture Reference Manual lists the classes under ESR_EL2.EC.")
        }
    }

    var machineExplanation: Explanation {
        switch self {
        case .hypervisorException(let vector):
            Explanation(
                summary: "The hypervisor itself ran into the exception \(vector).",
                advice:
                    "The CPU is gone until the next boot. Check the hypervisor's memory in the system configuration; report it "
                    + "upstream with the whole console.")
        case .hypervisorAbort:
            Explanation(
                summary: "The hypervisor itself ran into an abort at EL2.",
                advice:
                    "The CPU is gone until the next boot, and the next destroy of its cell would hang Linux. The usual cause is a region "
                    + "smaller than a page at an address where the machine has nothing: check the cell's io regions. Otherwise report it "
                    + "upstream with the whole console.")
        case .hypervisorTrap(let kind):
            Explanation(
                summary: "The hypervisor itself was trapped (\(kind)).",
                advice:
                    "The CPU is gone until the next boot, and the next destroy of its cell would hang Linux. It is no fault of a region: "
                    + "report it upstream with the whole console.")
        case .hypervisorInstruction(let name):
            Explanation(
                summary: "The hypervisor's own \(name) failed.",
                advice: "The CPU is gone until the next boot. Report it upstream with the whole console.")
        case .interruptState(let device):
            Explanation(
                summary:
                    "The interrupts of Linux's PCI device \(device) cannot be translated: their target CPU leaves the root "
                    + "cell, or the configuration has too few vectors.",
                advice:
                    "Set msi-vectors and msix-vectors of the device in the system configuration, raise vtd-interrupt-limit, or "
                    + "move the interrupt's affinity before the cell is created.")
        case .ioapicState(let pin):
            Explanation(
                summary:
                    "Linux's IOAPIC pin \(pin) cannot be translated: its target CPU leaves the root cell, or its mode is not "
                    + "supported.",
                advice: "Move the interrupt's affinity to a CPU that stays with Linux before the cell is created.")
        case .iommuCommand(let unit):
            Explanation(
                summary: "The AMD IOMMU \(unit) reported a bad command.",
                advice: "The CPU is gone until the next boot. Report it upstream with the whole console.")
        case .iommuLocked(let unit):
            Explanation(
                summary:
                    "The AMD IOMMU \(unit) is locked by the firmware at another address than the configuration says.",
                advice:
                    "Correct its base in the system configuration ([[iommu]]): 'jailhouse-ctl probe' reads it from IVRS."
            )
        case .messageFilterLocked(let register):
            Explanation(
                summary: "The SMI filter register \(register) of an AMD IOMMU is locked by the firmware.",
                advice: "The hypervisor cannot be enabled with this firmware; look for a setting or an update of it.")
        case .dmarRegister, .dmarQueue:
            Explanation(
                summary:
                    "Linux used the VT-d unit beyond interrupt remapping, which is all that the hypervisor emulates.",
                advice: "Boot Linux with intel_iommu=off.")
        case .identityMap:
            Explanation(
                summary: "The hypervisor's entry code does not fit one page at its physical address.",
                advice: "Move [hypervisor-memory] to another address, and build the hypervisor for the board again.")
        default: registerExplanation
        }
    }
}
