// SPDX-License-Identifier: Apache-2.0

/// The configuration space of the virtual PCI bus, in every cell, also in those without devices.
enum ConfigurationSpace {
    static func access(_ address: UInt64, _ size: Int, _ write: UInt64?) -> Access? {
        let base = Parameters.configurationSpace
        let megabyte: UInt64 = 1 << 20
        guard base != 0, address >= base, address - base < (Parameters.lastBus + 1) * megabyte else { return nil }
        // a function's number and register as they are in the address
        let place = ((address - base) >> 12) << 16 | (address - base) & 0xfff
        guard write == nil, size < 8 else { return .refused(Violation(.configurationMemory, place, UInt64(size))) }
        return .value(0xffff_ffff)  // whatever the size
    }
}
