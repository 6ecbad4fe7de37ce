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

    func read(_ register: UInt32, size: Int) -> UInt32 {
        PCI.read(function: function, register: register, size: size)
    }

    /// False when the hypervisor refuses it.
    func write(_ value: UInt32, register: UInt32, size: Int) -> Bool {
        guard mayWrite(register, size) else { return false }
        PCI.write(value, function: function, register: register, size: size)
        return true
    }

    /// In the header: command and status, what devices and bridges keep of the timing, and the interrupt line.
    /// Behind it: capabilities that the configuration says may be written.
    private func mayWrite(_ register: UInt32, _ size: Int) -> Bool {
        guard register < PCIDevice.headerEnd else { return isInWritableCapability(register) }
        let bits: UInt32 = (size == 4 ? ~0 : 1 << UInt32(size * 8) - 1) << (register & 3 * 8)
        let isBridge = Parameters.byte(entry + MonitorMemory.Device.kind) == PCIDevice.kindBridge
        let allowed: UInt32 =
            switch register & ~3 {
            case 0x04: 0xffff_ffff
            case 0x0c: 0xff00_ffff
            case 0x3c: isBridge ? 0xffff_00ff : 0xff
            default: 0
            }
        return bits & ~allowed == 0
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
