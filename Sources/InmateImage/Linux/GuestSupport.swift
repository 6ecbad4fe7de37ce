// SPDX-License-Identifier: Apache-2.0

/// Whether a Linux kernel for x86 can be a guest of Jailhouse (CONFIG_JAILHOUSE_GUEST). One that cannot dies at its first
/// access to the PC's interrupt controller.
package enum GuestSupport: Hashable, Sendable {
    case present
    case missing

    package static let option = "CONFIG_JAILHOUSE_GUEST"
    /// The driver of the PC's DMA controllers. It reads their page registers to see whether they are there
    /// (arch/x86/kernel/i8237.c).
    package static let dmaOption = "CONFIG_ISA_DMA_API"
    /// The port that it reads.
    package static let dmaPort: UInt16 = 0x87

    /// As the guest support calls its hypervisor (arch/x86/kernel/jailhouse.c).
    private static let signature = Array("Jailhouse".utf8)

    package init(_ configuration: KernelConfiguration) {
        self = configuration.hasBuiltIn(Self.option) ? .present : .missing
    }

    /// By the kernel's strings, where its configuration is not known.
    ///
    /// - Parameter kernel: unpacked.
    package init(stringsOf kernel: [UInt8]) {
        self = kernel.firstIndex(of: Self.signature) == nil ? .missing : .present
    }
}
