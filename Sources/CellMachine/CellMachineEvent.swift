// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
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
    /// The number of the monitor's counter of it; nil for what a cell of that architecture never does.
    func counter(on architecture: Architecture) -> Int? {
        architecture == .x86 ? x86Counter?.rawValue : arm64Counter?.rawValue
    }

    private var x86Counter: MonitorMemory.Counter? {
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

    private var arm64Counter: MonitorMemory.Arm64.Counter? {
        switch self {
        case .mmio: .mmio
        case .management: .management
        case .hypercall: .hypercall
        case .maintenance: .maintenance
        case .virtualInterrupt: .virtualInterrupt
        case .virtualSGI: .virtualSGI
        case .psci: .psci
        case .smccc: .smccc
        case .portIO, .xapic, .controlRegister, .cpuid, .xsetbv, .exception, .otherMSR, .x2APICCommand, .coprocessor15:
            nil
        }
    }
}
