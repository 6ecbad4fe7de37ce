// SPDX-License-Identifier: Apache-2.0

/// The hypervisor's virtual device for memory that cells share: version 2 of ivshmem, as its specification has it.
///
/// The memory begins with a table of states, a word for each end; then a section that all ends may write, if there is
/// one; then a section for each end, which only that end may write.
struct SharedMemoryDevice {
    private enum Register {
        static let identifier: UInt = 0x00
        static let peers: UInt = 0x04
        static let interruptControl: UInt = 0x08
        static let doorbell: UInt = 0x0c
        static let state: UInt = 0x10
    }

    static let vendor: UInt16 = 0x110a
    static let device: UInt16 = 0x4106

    private let registers: DeviceMemory
    private let memory: DeviceMemory
    private let stateTableSize: UInt
    private let commonSize: UInt
    private let outputSize: UInt
    /// Of this end.
    let identifier: UInt32
    /// How many ends there can be.
    let peers: UInt32
    /// Whether an interrupt can come.
    let hasInterrupt: Bool

    /// - Parameters:
    ///   - address: where its registers may appear, with 8 KiB; nobody gives it one before the cell.
    /// - Returns: nil when the function is no such device, or its memory is out of reach.
    init?(_ function: PCIFunction, registersAt address: UInt32, _ interrupt: Interrupt) {
        guard function.vendor == Self.vendor, function.device == Self.device,
            let capability = function.capability(9),
            let registersAddress = AddressSpace.map(UInt64(address), 0x2000, isCached: false)
        else { return nil }
        let pci = PCI.bus
        func number(_ register: UInt16) -> UInt64 {
            UInt64(pci.read(function, register + 4)) << 32 | UInt64(pci.read(function, register))
        }
        stateTableSize = UInt(pci.read(function, capability + 4))
        commonSize = UInt(pci.read(function, capability + 8))
        outputSize = UInt(pci.read(function, capability + 16))
        function.set(command: 0)
        pci.write(address, to: function, 0x10)
        pci.write(address + 0x1000, to: function, 0x14)
        function.set(command: 6)
        registers = DeviceMemory(at: registersAddress)
        identifier = registers.read(Register.identifier)
        peers = registers.read(Register.peers)

        // the memory's place: in the capability, or else in BAR 2
        let told = number(capability + 24)
        let size = UInt64(stateTableSize + commonSize) + UInt64(outputSize) * UInt64(peers)
        guard let memory = AddressSpace.map(told != 0 ? told : number(0x18) & ~15, size, isCached: true) else {
            return nil
        }
        self.memory = DeviceMemory(at: memory)
        hasInterrupt = function.connect(interrupt, tableAt: registersAddress + 0x1000)
        registers.write(1, at: Register.interruptControl)
    }

    /// Of this end; the others see it in the table, and are interrupted. 0: not there.
    func set(state: UInt32) { registers.write(state, at: Register.state) }

    func state(of peer: UInt32) -> UInt32 { memory.read(UInt(peer) * 4) }

    func ring(_ peer: UInt32, vector: UInt16 = 0) {
        registers.write(peer << 16 | UInt32(vector), at: Register.doorbell)
    }

    /// The section that this end writes and the others read.
    func output(of peer: UInt32) -> DeviceMemory {
        DeviceMemory(at: memory.base + stateTableSize + commonSize + UInt(peer) * outputSize)
    }
}
