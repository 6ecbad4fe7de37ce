// SPDX-License-Identifier: Apache-2.0

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

    /// What the hypervisor prints when it happens on a CPU of the cell.
    func lines(cpu: Int, cell: String) -> [String] {
        reason + Violation.registers + ["Parking CPU \(cpu) (Cell: \"\(cell)\")"]
    }

    /// The exit that brought the CPU into the hypervisor.
    var exit: ExitReason {
        switch self {
        case .portWrite, .portRead: .portIO
        case .memoryWrite, .memoryRead, .fetch: .mmio
        case .registerWrite, .registerRead: .otherMSR
        case .tripleFault: .exception
        }
    }

    var reason: [String] {
        switch self {
        case .portWrite: ["FATAL: Invalid PIO write, port: 70 size: 1"]
        case .portRead: ["FATAL: Invalid PIO read, port: 71 size: 1"]
        case .memoryWrite: ["FATAL: Invalid MMIO/RAM write, addr: 0x0000000020000000 size: 4"]
        case .memoryRead: ["FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 4"]
        case .fetch:
            [
                "FATAL: unable to get MMIO instruction",
                "FATAL: Invalid MMIO/RAM read, addr: 0x0000000020000000 size: 0",
            ]
        case .registerWrite: ["FATAL: Unhandled MSR write: 200"]
        case .registerRead: ["FATAL: Unhandled MSR read: 200"]
        case .tripleFault:
            ["FATAL: Unexpected #VMEXIT, exitcode 7f, exitinfo1 0x0000000000000000 exitinfo2 0x0000000000000000"]
        }
    }

    static let registers = [
        "RIP: 0x000000000010a2f4 RSP: 0x00000000000dff10 FLAGS: 2",
        "RAX: 0x0000000000000000 RBX: 0x0000000000100000 RCX: 0x0000000000000000",
        "RDX: 0x0000000000000070 RSI: 0x0000000000000000 RDI: 0x0000000000000000",
        "CS: 8 BASE: 0x0000000000000000 AR-BYTES: c9e EFER.LMA 0",
        "CR0: 0x0000000000000011 CR3: 0x0000000000000000 CR4: 0x0000000000000000",
        "EFER: 0x0000000000001000",
    ]
}
