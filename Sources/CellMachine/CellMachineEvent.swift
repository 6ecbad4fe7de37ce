// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// What happens in a cell, reported on a thread of its machine: the receiver must not take long.
package enum CellMachineEvent: Hashable, Sendable {
    /// Characters that the inmate printed through the virtual console, as they are.
    case printed(String)
    /// A line of the hypervisor's own that is about the cell, without its end.
    case noted(String)
    /// A CPU touched what is not the cell's, and is parked.
    case violation(cpu: Int, ViolationReport)
    /// A CPU will be parked for a violation as soon as it is let: it is held at its instruction.
    case held(cpu: Int, ViolationReport)
    /// What came out of COM1.
    case serial([UInt8])
    /// QEMU is gone, and why.
    case ended(String)
}

extension ExitReason {
    /// The monitor's counter of it; nil for what an x86 cell never does.
    var counter: MonitorMemory.Counter? {
        switch self {
        case .mmio: .mmio
        case .management: .management
        case .hypercall: .hypercall
        case .portIO: .portIO
        case .xapic: .xapic
        case .controlRegister: .controlRegister
        case .cpuid: .cpuid
        case .xsetbv: .xsetbv
        case .exception: .exception
        case .otherMSR: .otherMSR
        case .x2APICCommand: .x2APICCommand
        case .maintenance, .virtualInterrupt, .virtualSGI, .psci, .smccc, .coprocessor15: nil
        }
    }
}
