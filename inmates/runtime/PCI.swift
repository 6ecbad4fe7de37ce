// SPDX-License-Identifier: Apache-2.0

/// How a program gets at the configuration space of PCI devices. The hypervisor lets it see its own devices only: the
/// others read as all ones, and a write to them ends the cell.
struct PCI {
    enum Access {
        #if !arch(arm64)
            case ports
        #endif
        /// The window in memory; its address.
        case mmconfig(UInt)
    }

    let access: Access

    #if arch(arm64)
        /// The way that every cell has.
        static var bus: PCI { PCI(access: .mmconfig(UInt(CommunicationRegion().mmconfigBase))) }
    #else
        static let ports = PCI(access: .ports)
        static var bus: PCI { ports }
    #endif

    /// The window that the communication region names, 1 MiB of it for each bus. Nil when there is none, or none that
    /// this program can reach.
    static func window(through lastBus: UInt8) -> PCI? {
        let base = CommunicationRegion().mmconfigBase
        guard base != 0, let address = AddressSpace.map(base, (UInt64(lastBus) + 1) << 20, isCached: false) else {
            return nil
        }
        return PCI(access: .mmconfig(address))
    }

    func read(_ function: PCIFunction, _ register: UInt16) -> UInt32 {
        switch access {
        #if !arch(arm64)
            case .ports:
                Port.write32(0x8000_0000 | UInt32(function.number) << 8 | UInt32(register & 0xfc), to: 0xcf8)
                return Port.read32(0xcfc)
        #endif
        case .mmconfig(let base):
            return DeviceMemory(at: base).read(UInt(function.number) << 12 + UInt(register))
        }
    }

    func write(_ value: UInt32, to function: PCIFunction, _ register: UInt16) {
        switch access {
        #if !arch(arm64)
            case .ports:
                Port.write32(0x8000_0000 | UInt32(function.number) << 8 | UInt32(register & 0xfc), to: 0xcf8)
                Port.write32(value, to: 0xcfc)
        #endif
        case .mmconfig(let base):
            DeviceMemory(at: base).write(value, at: UInt(function.number) << 12 + UInt(register))
        }
    }

    /// The next function that is there, from this number on; those of other cells are not.
    func function(from start: UInt32, through lastBus: UInt8) -> PCIFunction? {
        var number = start
        while number <= UInt32(lastBus) << 8 | 0xff {
            let function = PCIFunction(number: UInt16(number))
            if read(function, 0) & 0xffff != 0xffff { return function }
            number += 1
        }
        return nil
    }

    /// The first with these vendor and device identifiers.
    func find(vendor: UInt16, device: UInt16, through lastBus: UInt8) -> PCIFunction? {
        var next: UInt32 = 0
        while let function = function(from: next, through: lastBus) {
            if read(function, 0) == UInt32(device) << 16 | UInt32(vendor) { return function }
            next = UInt32(function.number) + 1
        }
        return nil
    }
}

/// A PCI function: bus in the upper byte, then 5 bits of device and 3 of function.
struct PCIFunction {
    var number: UInt16

    var name: Text {
        "\(hex: number >> 8, digits: 2):\(hex: number >> 3 & 31, digits: 2).\(number & 7)"
    }

    var vendor: UInt16 { UInt16(truncatingIfNeeded: PCI.bus.read(self, 0)) }
    var device: UInt16 { UInt16(truncatingIfNeeded: PCI.bus.read(self, 0) >> 16) }
    /// Class and subclass.
    var classCode: UInt16 { UInt16(truncatingIfNeeded: PCI.bus.read(self, 8) >> 16) }
    private var hasCapabilities: Bool { PCI.bus.read(self, 4) >> 20 & 1 == 1 }
    /// A bridge has two; but the hypervisor lets nobody write to them, which sizing would do, so they are left out.
    var baseAddresses: UInt8 { PCI.bus.read(self, 0xc) >> 16 & 0x7f == 0 ? 6 : 0 }

    /// I/O ports, memory, mastery of the bus: bits 0, 1 and 2. The status beside it is left as it is.
    var command: UInt16 { UInt16(truncatingIfNeeded: PCI.bus.read(self, 4)) }
    func set(command: UInt16) { PCI.bus.write(UInt32(command), to: self, 4) }

    /// Where its capability with this identifier stands.
    func capability(_ identifier: UInt8) -> UInt16? {
        guard hasCapabilities else { return nil }
        var place = UInt16(truncatingIfNeeded: PCI.bus.read(self, 0x34) & 0xfc)
        var left = 48  // a list may run in a circle
        while place != 0, left > 0 {
            let header = PCI.bus.read(self, place)
            if header & 0xff == UInt32(identifier) { return place }
            place = UInt16(truncatingIfNeeded: header >> 8 & 0xfc)
            left -= 1
        }
        return nil
    }

    struct BaseAddress {
        var address: UInt64
        var size: UInt64
        var isPort: Bool
        var is64Bit: Bool
    }

    /// A base address register and the size of what is behind it, found in the way of the PCI specification: all ones
    /// are written, what reads back are the bits that can be set. The device does not answer meanwhile.
    ///
    /// - Returns: nil when it has none of this number.
    func baseAddress(_ index: UInt8) -> BaseAddress? {
        let register = 0x10 + UInt16(index) * 4
        let before = command
        set(command: before & ~3)
        let low = PCI.bus.read(self, register)
        let lowMask = mask(of: register, low)
        let isPort = low & 1 == 1
        let is64Bit = !isPort && low >> 1 & 3 == 2
        var address = UInt64(low & (isPort ? ~3 : ~15))
        var bits = UInt64(lowMask & (isPort ? ~3 : ~15))
        if is64Bit {
            let high = PCI.bus.read(self, register + 4)
            address |= UInt64(high) << 32
            bits |= UInt64(mask(of: register + 4, high)) << 32
        } else {
            bits |= isPort ? 0xffff_ffff_ffff_0000 : 0xffff_ffff_0000_0000
        }
        set(command: before)
        guard lowMask != 0 else { return nil }
        return BaseAddress(address: address, size: ~bits &+ 1, isPort: isPort, is64Bit: is64Bit)
    }

    private func mask(of register: UInt16, _ value: UInt32) -> UInt32 {
        PCI.bus.write(.max, to: self, register)
        let mask = PCI.bus.read(self, register)
        PCI.bus.write(value, to: self, register)
        return mask
    }
}
