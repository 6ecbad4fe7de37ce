// SPDX-License-Identifier: Apache-2.0

// Compiled into both the host side and the cell monitor for Arm64.

/// An interrupt from one CPU of a cell to others.
struct SoftwareInterrupt: Hashable {
    /// 0 to 15.
    var number: UInt32
    var target: Target

    enum Target: Hashable {
        case allOthers
        case itself
        /// Version 2: bits of the machine's CPUs.
        case mask(UInt32)
        /// Version 3: bits of CPUs in a cluster, and the cluster's affinity.
        case cluster(affinity: UInt64, mask: UInt32)
    }

    /// Version 2: what is written to the distributor's SGIR.
    init(distributorValue value: UInt32) {
        number = value & 0xf
        switch value >> 24 & 3 {
        case 0: target = .mask(value >> 16 & 0xff)
        case 1: target = .allOthers
        case 2: target = .itself
        default: target = .mask(0)
        }
    }

    /// Version 3: what is written to ICC_SGI1R_EL1.
    init(registerValue value: UInt64) {
        number = UInt32(value >> 24 & 0xf)
        let affinity = (value >> 48 & 0xff) << 32 | (value >> 32 & 0xff) << 16 | (value >> 16 & 0xff) << 8
        target = value >> 40 & 1 != 0 ? .allOthers : .cluster(affinity: affinity, mask: UInt32(value & 0xffff))
    }

    /// Whether it goes to a CPU.
    ///
    /// - Parameter number: the machine's.
    func reaches(_ number: UInt32, affinity: UInt64, from sender: UInt32) -> Bool {
        switch target {
        case .allOthers: return number != sender
        case .itself: return number == sender
        case .mask(let mask): return number < 8 && mask >> number & 1 != 0
        case .cluster(let cluster, let mask):
            return affinity & ~0xff == cluster && affinity & 0xff < 16 && mask >> UInt32(affinity & 0xf) & 1 != 0
        }
    }
}
