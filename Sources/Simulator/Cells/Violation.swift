// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import JailhouseInterface

/// A way for an inmate to touch what is not its own.
package enum Violation: String, Hashable, Sendable, CaseIterable {
    case portWrite = "port-write"
    case portRead = "port-read"
    case memoryWrite = "memory-write"
    case memoryRead = "memory-read"
    case fetch
    case registerWrite = "msr-write"
    case registerRead = "msr-read"
    case tripleFault = "triple-fault"

    // what only few programs do
    case stringMove = "string-move"
    case otherInstruction = "other-instruction"
    case regionRight = "region-right"
    case pciWrite = "pci-write"
    case pciPort = "pci-port"
    case mmconfigWrite = "mmconfig-write"
    case vectorTable = "msix-table"
    case vectorTarget = "msix-target"
    case ioapic
    case apicDelivery = "apic-delivery"
    case apicReserved = "apic-reserved"
    case apicVector = "apic-lvt"
    case apicMode = "apic-mode"
    case apicWidth = "apic-width"
    case apicLogical = "apic-ldr"
    case apicFormat = "apic-dfr"
    case apicAccess = "apic-access"
    case attributes = "pat"
    case keyboard = "i8042"
    case controlRegister = "control-register"
    case extendedControl = "xsetbv"
    case instruction = "vm-instruction"
    case guestState = "guest-state"
    case testDevice = "test-device"

    // exits that the hypervisor has no handler for: of Intel's processors
    case taskSwitch = "task-switch"
    case invalidate = "invd"
    case pageTables = "ept-misconfiguration"
    case writeBack = "wbinvd"
    // and of AMD's
    case vmload, vmsave, stgi, clgi, skinit

    // of Linux itself, on Intel
    case remappingRegister = "dmar-register"
    case remappingQueue = "dmar-queue"

    // as an Arm64 machine prints them
    case armWrite = "arm-write"
    case armRead = "arm-read"
    case armFetch = "arm-fetch"
    case armVectors = "arm-vectors"
    case armRegion = "arm-region-right"
    case armMMCONFIG = "arm-mmconfig-write"
    case armVectorTable = "arm-msix-table"
    case armRoute = "arm-route"
    case armMessage = "arm-msi-data"
    case armHypervisorCall = "arm-hvc"
    case armSecureCall = "arm-smc"
    case armArchitectureCall = "arm-smc-arch"
    case armRegister = "arm-register"
    case armAuthentication = "arm-pauth"
    case armFloatingPoint = "arm-fp"
    case arm32HypervisorCall = "arm32-hvc"
    case arm32SecureCall = "arm32-smc"
    case arm32Register = "arm32-cp15"
    case arm32LongRegister = "arm32-cp15-64"

    /// Whether the hypervisor of such a machine prints it: what an AArch32 program in a cell does is of Arm64, too.
    func isPossible(on architecture: Architecture) -> Bool { rawValue.hasPrefix("arm") == (architecture != .x86) }

    /// What the hypervisor prints when it happens on a CPU of the cell.
    func lines(cpu: Int, cell: String, _ wording: ConsoleWording = .amd) -> [String] {
        reason(wording) + registers + ["Parking CPU \(cpu) (Cell: \"\(cell)\")"]
    }

    /// The exit that brought the CPU into the hypervisor.
    var exit: ExitReason {
        switch self {
        case .portWrite, .portRead, .pciWrite, .pciPort, .keyboard: .portIO
        case .registerWrite, .registerRead, .attributes: .otherMSR
        case .tripleFault, .instruction, .guestState, .taskSwitch, .invalidate, .pageTables, .writeBack, .vmload,
            .vmsave,
            .stgi, .clgi, .skinit:
            .exception
        case .apicDelivery, .apicReserved, .apicVector, .apicMode, .apicWidth, .apicLogical, .apicFormat, .apicAccess:
            .xapic
        case .controlRegister: .controlRegister
        case .extendedControl: .xsetbv
        default: .mmio
        }
    }

    /// Before the registers.
    func reason(_ wording: ConsoleWording) -> [String] { wording.lines(reason) }

    /// Of the dump.
    var registers: [String] { armSyndrome.map { Violation.armRegisters($0, call: armCall) } ?? Violation.registers }

    static let registers = [
        "RIP: 0x000000000010a2f4 RSP: 0x00000000000dff10 FLAGS: 2",
        "RAX: 0x0000000000000000 RBX: 0x0000000000100000 RCX: 0x0000000000000000",
        "RDX: 0x0000000000000070 RSI: 0x0000000000000000 RDI: 0x0000000000000000",
        "CS: 8 BASE: 0x0000000000000000 AR-BYTES: c9e EFER.LMA 0",
        "CR0: 0x0000000000000011 CR3: 0x0000000000000000 CR4: 0x0000000000000000",
        "EFER: 0x0000000000001000",
    ]

    /// - Parameters:
    ///   - syndrome: class, length and syndrome, as printed.
    ///   - call: what a program called the firmware with, in x0; such an instruction is skipped before it is refused.
    private static func armRegisters(_ syndrome: String, call: String?) -> [String] {
        let zero = String(repeating: "0", count: 16)
        let rest = stride(from: 0, to: 30, by: 3).map { first in
            (first..<first + 3).map { number in
                "\(number < 10 ? " " : "")x\(number): \(number == 0 ? zero.dropLast(8) + (call ?? "00000000") : zero)"
            }.joined(separator: "  ")
        }
        return [
            "Cell state before exception:",
            " pc: 0000000000001a3\(call == nil ? "0" : "4")   lr: 0000000000001a14 spsr: 600003c5     EL1",
            " sp: 0000000000007fc0  elr: 0000000000001a30  esr: \(syndrome)",
        ] + rest + [""]
    }
}
