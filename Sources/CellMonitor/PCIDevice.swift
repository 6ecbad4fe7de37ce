// SPDX-License-Identifier: Apache-2.0

/// A device of the cell's, as its configuration describes it.
struct PCIDevice {
    private let function: UInt32
    private let entry: Int

    private static let kindBridge: UInt8 = 2
    private static let headerEnd: UInt32 = 0x40
    private static let capabilityWritable: UInt16 = 1

    /// - Parameter function: bus, device and function in 16 bits. Nil when the cell has no such device.
    init?(function: UInt32) {
        for index in 0..<Int(Parameters.word(MonitorMemory.Parameter.pciDevices)) {
            let entry = MonitorMemory.Parameter.deviceList + index * MonitorMemory.Device.size
            if UInt32(Parameters.half(entry)) == function {
                self.function = function
                self.entry = entry
                return
            }
        }
        return nil
    }

    private var isBridge: Bool { Parameters.byte(entry + MonitorMemory.Device.kind) == PCIDevice.kindBridge }

    /// Base addresses are the cell's own view of them; there is no ROM.
    func read(_ register: UInt32, size: Int) -> UInt32 {
        if !isBridge {
            if PCIDevice.baseAddresses.contains(register) {
                return Parameters.word(baseAddress(register)) >> PCIDevice.shift(register)
            }
            if PCIDevice.rom.contains(register) { return 0 }
        }
        if let link { return link.readConfiguration(register, size: size) }
        return PCI.read(function: function, register: register, size: size)
    }

    /// False when the hypervisor refuses it.
    func write(_ value: UInt32, register: UInt32, size: Int) -> Bool {
        if !isBridge, PCIDevice.baseAddresses.contains(register) {
            setBaseAddress(register, value, size)
            return true
        }
        switch verdict(register, size) {
        case .performed where link != nil:
            return link?.writeConfiguration(value, register: register, size: size) ?? false
        case .performed: PCI.write(value, function: function, register: register, size: size)
        case .ignored: break
        case .refused: return false
        }
        return true
    }

    // MARK: links

    private static let kindLink: UInt8 = 3

    private var isLink: Bool { Parameters.byte(entry + MonitorMemory.Device.kind) == PCIDevice.kindLink }

    /// The end of a link that the device is.
    private var link: Link? { isLink ? Link(function: function) : nil }

    /// A link's registers or its vectors, wherever the cell has put them. Nil when they are elsewhere.
    static func linkMemory(_ address: UInt64, size: Int, write: UInt32?) -> Access? {
        for index in 0..<Int(Parameters.word(MonitorMemory.Parameter.pciDevices)) {
            let entry = MonitorMemory.Parameter.deviceList + index * MonitorMemory.Device.size
            guard let device = PCIDevice(function: UInt32(Parameters.half(entry))), let link = device.link,
                link.hasMemory
            else { continue }
            for number in 0..<2 {
                let mask = Parameters.word(entry + MonitorMemory.Device.bars + number * 4) & ~15
                let base = Parameters.word(entry + MonitorMemory.Device.baseAddresses + number * 4) & ~15
                guard mask != 0, address >> 32 == 0, UInt32(address) & mask == base & mask else { continue }
                let offset = UInt32(address) & ~mask
                return number == 0
                    ? link.accessRegister(offset, size: size, write: write)
                    : link.accessVector(offset, size: size, write: write)
            }
        }
        return nil
    }

    // MARK: base addresses

    private static let baseAddresses: Range<UInt32> = 0x10..<0x28
    private static let rom: Range<UInt32> = 0x30..<0x34

    /// The bits that the configuration lets vary; the device itself does not move.
    private func setBaseAddress(_ register: UInt32, _ value: UInt32, _ size: Int) {
        let number = Int(register - PCIDevice.baseAddresses.lowerBound) / 4
        let mask =
            PCIDevice.bits(register, size)
            & Parameters.word(entry + MonitorMemory.Device.bars + number * 4)
        let place = baseAddress(register)
        Parameters.setWord(place, Parameters.word(place) & ~mask | value << PCIDevice.shift(register) & mask)
    }

    private func baseAddress(_ register: UInt32) -> Int {
        let number = Int(register - PCIDevice.baseAddresses.lowerBound) / 4
        return entry + MonitorMemory.Device.baseAddresses + number * 4
    }

    /// What the cell will see, from what the devices have when they are given to it.
    static func keepBaseAddresses() {
        for index in 0..<Int(Parameters.word(MonitorMemory.Parameter.pciDevices)) {
            let entry = MonitorMemory.Parameter.deviceList + index * MonitorMemory.Device.size
            guard let device = PCIDevice(function: UInt32(Parameters.half(entry))), !device.isBridge,
                !device.isLink
            else { continue }
            for register in stride(from: baseAddresses.lowerBound, to: baseAddresses.upperBound, by: 4) {
                let value = PCI.read(function: device.function, register: register, size: 4)
                Parameters.setWord(device.baseAddress(register), value)
            }
        }
    }

    // MARK: MSI-X

    /// The page of a device's vectors, which the cell writes through the monitor. Nil when it is elsewhere.
    static func vectorTable(_ address: UInt64, size: Int, write: UInt32?) -> Access? {
        for index in 0..<Int(Parameters.word(MonitorMemory.Parameter.pciDevices)) {
            let entry = MonitorMemory.Parameter.deviceList + index * MonitorMemory.Device.size
            let begin = Parameters.long(entry + MonitorMemory.Device.vectorTable)
            let length = UInt64(Parameters.word(entry + MonitorMemory.Device.vectorTableSize))
            guard begin != 0, address >= begin, address - begin < length else { continue }
            let isVector = (address - begin) / 16 < UInt64(Parameters.half(entry + MonitorMemory.Device.vectors))
            guard size == 4, address & 3 == 0, isVector || write == nil else {
                return .refused(Violation(.vectorTable, UInt64(Parameters.half(entry))))
            }
            guard let write else { return .value(UInt64(Machine.read32(address))) }
            Machine.write32(write, to: address)
            return .value(0)
        }
        return nil
    }

    // MARK: rights

    private enum Verdict {
        case performed, ignored, refused
    }

    /// In the header: command and status, what devices and bridges keep of the timing, and the interrupt line; Linux
    /// writes to ROMs and windows whenever it looks at the bus, to no effect. Behind it: capabilities that the
    /// configuration says may be written.
    private func verdict(_ register: UInt32, _ size: Int) -> Verdict {
        guard register < PCIDevice.headerEnd else {
            if isLink { return register < Link.configurationSize ? .performed : .refused }
            return isInWritableCapability(register) ? .performed : .refused
        }
        let bits = PCIDevice.bits(register, size)
        let allowed: UInt32 =
            switch register & ~3 {
            case 0x04: 0xffff_ffff
            case 0x0c: 0xff00_ffff
            case 0x3c: isBridge ? 0xffff_00ff : 0xff
            default: 0
            }
        if bits & ~allowed == 0 { return .performed }
        let ignored: UInt32 =
            switch register & ~3 {
            case 0x30: 0xffff_ffff
            case 0x1c where isBridge: 0xffff
            case 0x20...0x2c where isBridge: 0xffff_ffff
            default: 0
            }
        return bits & ~ignored == 0 ? .ignored : .refused
    }

    private static func shift(_ register: UInt32) -> UInt32 { register & 3 * 8 }

    private static func bits(_ register: UInt32, _ size: Int) -> UInt32 {
        (size == 4 ? ~0 : 1 << UInt32(size * 8) - 1) << shift(register)
    }

    private func isInWritableCapability(_ register: UInt32) -> Bool {
        let first = Int(Parameters.half(entry + MonitorMemory.Device.firstCapability))
        let count = Int(Parameters.half(entry + MonitorMemory.Device.capabilities))
        for index in first..<first + count where index < Int(Parameters.word(MonitorMemory.Parameter.pciCapabilities)) {
            let capability = MonitorMemory.Parameter.capabilityList + index * MonitorMemory.Capability.size
            let start = UInt32(Parameters.half(capability + 2))
            let length = UInt32(Parameters.half(capability + 4))
            if register >= start && register < start + length {
                return Parameters.half(capability + 6) & PCIDevice.capabilityWritable != 0
            }
        }
        return false
    }
}
