// SPDX-License-Identifier: Apache-2.0

/// Interrupts that PCI functions announce by messages to local APICs.
extension PCIFunction {
    /// Lets it announce an interrupt by a message to one processor.
    ///
    /// - Returns: false when it has no such capability.
    func enableMSI(_ interrupt: Interrupt, processor: UInt32) -> Bool {
        guard let place = capability(5) else { return false }
        let header = PCI.ports.read(self, place)
        let data = place + (header >> 23 & 1 == 1 ? 12 : 8)
        PCI.ports.write(0xfee0_0000 | processor << 12, to: self, place + 4)
        if data == place + 12 { PCI.ports.write(0, to: self, place + 8) }
        PCI.ports.write(UInt32(interrupt.vector), to: self, data)
        PCI.ports.write(header & ~0x70_0000 | 0x1_0000, to: self, place)  // one message, enabled
        return true
    }

    func disableMSI() {
        guard let place = capability(5) else { return }
        PCI.ports.write(PCI.ports.read(self, place) & ~0x1_0000, to: self, place)
    }

    /// The same by the table of its MSI-X, of which it uses the first entry.
    func enableMSIX(_ interrupt: Interrupt, processor: UInt32, tableAt address: UInt) -> Bool {
        guard let place = capability(0x11) else { return false }
        let header = PCI.ports.read(self, place)
        let table = DeviceMemory(at: address)
        PCI.ports.write(header & 0x3fff_ffff | 0xc000_0000, to: self, place)  // enabled, all masked
        table.write(0xfee0_0000 | processor << 12, at: 0)
        table.write(0, at: 4)
        table.write(UInt32(interrupt.vector), at: 8)
        table.write(0, at: 12)
        PCI.ports.write(header & 0x3fff_ffff | 0x8000_0000, to: self, place)
        return true
    }
}

extension SharedMemoryDevice {
    /// Where its registers may appear: nothing else is there in a cell that is not told otherwise.
    static let usualPlace: UInt32 = 0xf000_0000

    static func doorbell(of function: PCIFunction) -> Interrupt { Interrupt(vector: 0x68) }
}

extension PCIFunction {
    /// Lets a link's rings come to this processor.
    ///
    /// - Parameter table: the vectors.
    /// - Returns: false when it has none.
    func connect(_ interrupt: Interrupt, tableAt table: UInt) -> Bool {
        enableMSIX(interrupt, processor: LocalAPIC().identifier, tableAt: table)
    }
}
