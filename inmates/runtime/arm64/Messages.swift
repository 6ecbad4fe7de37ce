// SPDX-License-Identifier: Apache-2.0

/// Interrupts of the virtual PCI devices: each has a pin, one of four interrupts that follow each other; with vectors, a
/// message is the number of an interrupt.
extension SharedMemoryDevice {
    /// Where its registers may appear: nothing else is there in a cell that is not told otherwise.
    static let usualPlace: UInt32 = 0xff00_0000

    /// That of its pin, also by message.
    static func doorbell(of function: PCIFunction) -> Interrupt {
        Interrupt(number: 32 + CommunicationRegion().virtualPCIInterrupt + UInt32(function.number >> 3 & 3))
    }
}

extension PCIFunction {
    private enum Vectors {
        static let capability: UInt8 = 0x11
        static let enabled: UInt32 = 1 << 31
        static let masked: UInt32 = 1 << 30
    }

    /// Lets a link's rings come to this processor.
    ///
    /// - Parameter table: the vectors.
    func connect(_ interrupt: Interrupt, tableAt table: UInt) -> Bool {
        let controller = InterruptController()
        controller.enable(interrupt)
        controller.route(interrupt, to: controller.version == 3 ? Processor.affinity : 1 << (Processor.affinity & 7))
        guard let place = capability(Vectors.capability) else { return true }
        let header = PCI.bus.read(self, place) & ~(Vectors.enabled | Vectors.masked)
        PCI.bus.write(header | Vectors.enabled | Vectors.masked, to: self, place)
        let vector = DeviceMemory(at: table)
        vector.write(0, at: 0)
        vector.write(0, at: 4)
        vector.write(interrupt.number, at: 8)
        vector.write(0, at: 12)
        PCI.bus.write(header | Vectors.enabled, to: self, place)
        return true
    }
}
