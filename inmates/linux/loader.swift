// SPDX-License-Identifier: Apache-2.0

import _Volatile

/// What Linux learns of the hypervisor from `SETUP_JAILHOUSE` (arch/x86/include/uapi/asm/bootparam.h), and only the running
/// cell knows: the communication region's values and the processors that came up.
///
/// - Parameters:
///   - region: the address of the communication region.
///   - node: the address of the setup data; its other fields are filled in already.
///   - ready: the address of the number of processors whose APIC id is in the node.
@c(complete_setup_data) func completeSetupData(_ region: UInt, _ node: UInt, _ ready: UInt) {
    func word(_ offset: UInt) -> UInt32 { register(region + offset).load() }
    // the PM timer's port, and behind it the number of processors: in the node as in the region
    register(node + 20).store(word(64))
    register(node + 24).store(word(56))  // the MMCONFIG window
    register(node + 28).store(word(60))
    register(node + 32).store(word(68))  // the TSC's rate in kHz
    register(node + 36).store(word(72))  // the APIC timer's; 0: TSC deadline
    let processors = min(word(64) >> 16, 255)
    while register(ready).load() < processors {}
}

private func register(_ address: UInt) -> VolatileMappedRegister<UInt32> {
    VolatileMappedRegister(unsafeBitPattern: address)
}
