// SPDX-License-Identifier: Apache-2.0

/// Configuration space: the cell sees its own devices, and nothing where others are.
enum PCI {
    /// Its window in memory. Nil when the address is elsewhere.
    static func memory(_ address: UInt64, size: Int, write: UInt32?) -> Access? {
        let base = Parameters.configurationSpace
        guard base != 0, address >= base, address < base + (Parameters.lastBus + 1) << 20 else { return nil }
        let place = UInt32(truncatingIfNeeded: address - base)
        let refused = Access.refused(
            Violation(
                .configurationMemory, UInt64(place >> 12) << 16 | UInt64(place & 0xfff), UInt64(size),
                write == nil ? 1 : 0))
        guard size <= 4, place & UInt32(size - 1) == 0 else { return refused }
        return access(function: place >> 12, place & 0xfff, size, write) ?? refused
    }

    /// Nil when it is refused.
    static func access(function: UInt32, _ register: UInt32, _ size: Int, _ write: UInt32?) -> Access? {
        guard let device = PCIDevice(function: function) else { return write == nil ? .value(0xffff_ffff) : nil }
        guard let write else { return .value(UInt64(device.read(register, size: size))) }
        return device.write(write, register: register, size: size) ? .value(0) : nil
    }
}
