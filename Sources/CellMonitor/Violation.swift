// SPDX-License-Identifier: Apache-2.0

/// What a CPU is parked for; the host writes the hypervisor's lines from it.
struct Violation {
    let reason: ViolationReason
    let details: (UInt64, UInt64, UInt64)

    init(_ reason: ViolationReason, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0) {
        self.reason = reason
        details = (first, second, third)
    }
}
