// SPDX-License-Identifier: Apache-2.0

/// One end of a link through shared memory: the hypervisor's virtual PCI device, ivshmem of version 2 (upstream's
/// Documentation/ivshmem-v2-specification). The memory itself is the cell's without the monitor; here are the
/// device's configuration space, its registers and its interrupts.
struct Link {
    private typealias Offset = MonitorMemory.Link

    /// Of this end, in the machine.
    let place: UInt64
    /// Its cell's part of the machine.
    private let slot: Int

    /// An end of this cell's. Nil when there is none.
    init?(function: UInt32) {
        for index in 0..<Parameters.linkCount {
            let link = Link(index: index)
            if link.word(Offset.function) == function {
                self = link
                return
            }
        }
        return nil
    }

    /// An end of this cell's.
    init(index: Int) {
        self.init(slot: Int(Parameters.word(MonitorMemory.Parameter.slot)), index: index)
    }

    /// - Parameter slot: any cell's.
    private init(slot: Int, index: Int) {
        let own = Int(Parameters.word(MonitorMemory.Parameter.slot))
        let base = Parameters.machineAddress(MonitorMemory.links + index * Offset.size)
        place = base &+ UInt64(bitPattern: Int64((slot - own) * MonitorMemory.size))
        self.slot = slot
    }

    func word(_ offset: Int) -> UInt32 { Machine.read32(place + UInt64(offset)) }
    func setWord(_ offset: Int, _ value: UInt32) { Machine.write32(value, to: place + UInt64(offset)) }
    func long(_ offset: Int) -> UInt64 { Machine.read(place + UInt64(offset), size: 8) }

    // MARK: configuration space

    private enum Space {
        static let identity: UInt32 = 0x4106_110a
        static let vendorCapability: UInt32 = 0x40
        static let vendorLength: UInt32 = 0x20
        static let vectorCapability: UInt32 = 0x60
    }

    /// Memory, mastery of the bus, no interrupt by wire.
    private static let commandBits: UInt32 = 0x406
    private static let memoryBit: UInt32 = 0x2
    static let masterBit: UInt32 = 0x4
    private static let vectorControlBits: UInt32 = 0xc000

    var hasMemory: Bool { word(Offset.command) & Link.memoryBit != 0 }
    var vectors: UInt32 { word(Offset.vectors) }

    func readConfiguration(_ register: UInt32, size: Int) -> UInt32 {
        guard register < Link.configurationSize else { return Link.beyondConfiguration }
        return configuration(register & ~3) >> (register & 3 * 8)
    }

    private func configuration(_ register: UInt32) -> UInt32 {
        switch register {
        case 0x00, 0x2c: Space.identity
        case 0x04: word(Offset.command) | 0x10 << 16  // has capabilities
        case 0x08: 0xff << 24 | word(Offset.linkProtocol) << 8
        case 0x34: Space.vendorCapability
        case 0x3c: vectors == 0 ? (word(Offset.function) >> 3 & 3 + 1) << 8 : 0
        case Space.vendorCapability:
            0x09 | (vectors == 0 ? 0 : Space.vectorCapability) << 8 | Space.vendorLength << 16
                | word(Offset.privilegedControl) << 24
        case 0x44: UInt32(truncatingIfNeeded: long(Offset.stateTableSize))
        case 0x48, 0x50, 0x58:
            UInt32(truncatingIfNeeded: long(Link.wide(register)))
        case 0x4c, 0x54, 0x5c: UInt32(truncatingIfNeeded: long(Link.wide(register)) >> 32)
        case Space.vectorCapability where vectors > 0: 0x11 | (vectors - 1 | word(Offset.vectorControl)) << 16
        case Space.vectorCapability: Link.emptyCapability
        case 0x64 where vectors > 0: 1  // at the beginning of the second base address
        case 0x68 where vectors > 0: vectors * 16 | 1
        default: 0
        }
    }

    /// Where a 64-bit register of the vendor's capability comes from.
    private static func wide(_ register: UInt32) -> Int {
        switch register & ~7 {
        case 0x48: Offset.commonSize
        case 0x50: Offset.outputSize
        default: Offset.address
        }
    }

    /// What cannot be written is ignored.
    ///
    /// - Returns: false when messages that are switched on by it are refused.
    func writeConfiguration(_ value: UInt32, register: UInt32, size: Int) -> Bool {
        let shift = register & 3 * 8
        let bits: UInt32 = (size == 4 ? ~0 : 1 << UInt32(size * 8) - 1) << shift
        func set(_ offset: Int, _ allowed: UInt32, from position: UInt32) {
            let mask = bits >> position & allowed
            setWord(offset, word(offset) & ~mask | (value << shift) >> position & mask)
        }
        switch register & ~3 {
        case 0x04: set(Offset.command, Link.commandBits, from: 0)
        case Space.vendorCapability: set(Offset.privilegedControl, 1, from: 24)
        case Space.vectorCapability where vectors > 0: set(Offset.vectorControl, Link.vectorControlBits, from: 16)
        default: break
        }
        return hasValidMessages
    }

    // MARK: registers

    func accessRegister(_ offset: UInt32, size: Int, write: UInt32?) -> Access {
        guard size == 4 || Link.takesAnyWidth else { return .value(0) }
        switch (offset, write) {
        case (0x00, nil): return .value(UInt64(word(Offset.identifier)))
        case (0x04, nil): return .value(UInt64(word(Offset.peers)))
        case (0x08, nil): return .value(UInt64(word(Offset.interruptControl)))
        case (0x08, .some(let value)): setWord(Offset.interruptControl, value & 1)
        case (0x0c, .some(let value)): ring(end: value >> 16, vector: value & 0xffff)
        case (0x10, nil): return .value(UInt64(word(Offset.state)))
        case (0x10, .some(let value)): setState(value)
        default: break
        }
        return .value(0)
    }

    /// Vectors, and behind them the bits of those that wait, which never do.
    func accessVector(_ offset: UInt32, size: Int, write: UInt32?) -> Access {
        let isVector = offset < vectors * 16
        guard size == 4, offset & 3 == 0, isVector || write == nil else {
            return .refused(Violation(.vectorTable, UInt64(word(Offset.function))))
        }
        guard isVector else { return .value(0) }
        let entry = Offset.vectorTable + Int(offset)
        guard let write else { return .value(UInt64(word(entry))) }
        setWord(entry, write)
        return hasValidMessages ? .value(0) : .refused(Link.refusedMessage)
    }

    /// After a reset the state is 0, and the others are told.
    func announce() { changeState(to: 0) }

    /// All ends see it in the table; a change interrupts the others.
    func setState(_ state: UInt32) {
        if state != word(Offset.state) { changeState(to: state) }
    }

    private func changeState(to state: UInt32) {
        setWord(Offset.state, state)
        let identifier = word(Offset.identifier)
        Machine.write32(state, to: long(Offset.stateTable) + UInt64(identifier) * 4)
        for peer in 0..<word(Offset.peers) where peer != identifier { ring(end: peer, vector: 0) }
    }

    // MARK: interrupts

    /// - Parameter end: its number; one that is not there hears nothing.
    private func ring(end: UInt32, vector: UInt32) {
        guard vector < UInt32(Offset.vectorLimit), end < word(Offset.peers), let target = other(end) else { return }
        let waiting = fetchOr(Machine.pointer(target.place + UInt64(Offset.pending)), 1 << vector)
        if target.slot == slot {
            target.deliver()
        } else {
            Doorbell.ring(slot: target.slot, isFirst: waiting == 0)
        }
    }

    /// Another end of this link, in whichever cell it is.
    private func other(_ end: UInt32) -> Link? {
        for slot in 0..<MonitorMemory.slotLimit {
            for index in 0..<Offset.limit {
                let link = Link(slot: slot, index: index)
                if link.word(Offset.isThere) == 1, link.word(Offset.identifier) == end,
                    link.word(Offset.function) == word(Offset.function),
                    link.long(Offset.stateTable) == long(Offset.stateTable)
                {
                    return link
                }
            }
        }
        return nil
    }
}
