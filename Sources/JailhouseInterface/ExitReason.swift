// SPDX-License-Identifier: Apache-2.0

/// Why a CPU left its cell for the hypervisor: the statistics' names without `vmexits_` (hypervisor's
/// include/arch/*/asm/jailhouse_hypercall.h).
package enum ExitReason: String, Hashable, Sendable, CaseIterable {
    case mmio
    case management
    case hypercall

    // x86
    case portIO = "pio"
    case xapic
    case controlRegister = "cr"
    case cpuid
    case xsetbv
    case exception
    case otherMSR = "msr_other"
    case x2APICCommand = "msr_x2apic_icr"

    // Arm
    case maintenance
    case virtualInterrupt = "virt_irq"
    case virtualSGI = "virt_sgi"
    case psci
    case smccc
    /// 32-bit only.
    case coprocessor15 = "cp15"

    package static let common: [ExitReason] = [.mmio, .management, .hypercall]
    package static let x86: [ExitReason] =
        common + [.portIO, .xapic, .controlRegister, .cpuid, .xsetbv, .exception, .otherMSR, .x2APICCommand]
    package static let arm64: [ExitReason] =
        common + [.maintenance, .virtualInterrupt, .virtualSGI, .psci, .smccc]

    /// The file's name below `statistics`.
    package var file: String { DriverFiles.Cell.counter(rawValue) }
}
