// SPDX-License-Identifier: Apache-2.0

/// What happens in a cell, told on a thread of its machine: what hears it must not take long.
package enum CellMachineEvent: Hashable, Sendable {
    /// Characters that the inmate printed through the virtual console, as they are.
    case printed(String)
    /// A line of the hypervisor's own that is about the cell, without its end.
    case noted(String)
    /// A CPU touched what is not the cell's, and is parked.
    case violation(cpu: Int, ViolationReport)
    /// What came out of COM1.
    case serial([UInt8])
    /// QEMU is gone, and why.
    case ended(String)
}

/// Why a CPU left its cell; the raw value is the end of the driver's file name, `vmexits_…`.
package enum VMExit: String, Hashable, Sendable, CaseIterable {
    case mmio
    case management
    case hypercall
    case portIO = "pio"
    case xapic
    case controlRegister = "cr"
    case cpuid
    case xsetbv
    case exception
    case otherMSR = "msr_other"
    case x2APICCommand = "msr_x2apic_icr"

    var counter: MonitorMemory.Counter {
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
        }
    }
}
