// SPDX-License-Identifier: Apache-2.0

/// An Intel 82574 or one like it (e1000e), polled: one ring for what it sends, one for what it receives.
///
/// Registers and descriptors are those of Intel's 82574 datasheet, chapters 7 and 10; the descriptors are its legacy
/// ones. The device reads and writes the cell's memory at the cell's addresses: the IOMMU translates.
struct NetworkCard {
    private enum Register {
        static let control: UInt = 0x00
        static let status: UInt = 0x08
        static let mdic: UInt = 0x20
        static let interruptCause: UInt = 0xc0
        static let interruptMaskClear: UInt = 0xd8
        static let receiveControl: UInt = 0x100
        static let transmitControl: UInt = 0x400
        static let gap: UInt = 0x410
        static let receiveRing: UInt = 0x2800
        static let receiveLength: UInt = 0x2808
        static let receiveHead: UInt = 0x2810
        static let receiveTail: UInt = 0x2818
        static let transmitRing: UInt = 0x3800
        static let transmitLength: UInt = 0x3808
        static let transmitHead: UInt = 0x3810
        static let transmitTail: UInt = 0x3818
        static let receiveDescriptors: UInt = 0x2828
        static let transmitDescriptors: UInt = 0x3828
        static let multicast: UInt = 0x5200
        static let addressLow: UInt = 0x5400
        static let addressHigh: UInt = 0x5404
    }

    static let descriptors: UInt = 8
    static let bufferSize: UInt = 2048
    private let registers: DeviceMemory
    private let receiveRing = DeviceMemory(at: dmaMemory())
    private let sendRing = DeviceMemory(at: dmaMemory() + 0x100)
    private let receiveBuffers = dmaMemory() + 0x1000
    private var nextReceived: UInt = 0
    private var nextSent: UInt = 0
    /// Where a frame can be put together that is to be sent.
    let frame = Frame(memory: DeviceMemory(at: dmaMemory() + 0x5000), length: 0)
    /// Its hardware address, as six bytes of a number.
    let address: UInt64

    /// Resets it and sets it up.
    ///
    /// - Returns: nil when nobody gave its registers an address, or none that this program can reach.
    init?(_ function: PCIFunction) {
        guard let bar = function.baseAddress(0), bar.address != 0,
            let address = AddressSpace.map(bar.address, bar.size, isCached: false)
        else { return nil }
        function.set(command: 6)  // memory, mastery of the bus
        registers = DeviceMemory(at: address)
        registers.write(.max, at: Register.interruptMaskClear)
        registers.write(1 << 26, at: Register.control)  // reset
        PMTimer.wait(milliseconds: 20)
        registers.write(.max, at: Register.interruptMaskClear)
        _ = registers.read(Register.interruptCause)
        let high = UInt64(registers.read(Register.addressHigh) & 0xffff)
        // the first byte on the wire is the lowest of the register
        self.address = (UInt64(registers.read(Register.addressLow)) | high << 32).byteSwapped >> 16
        for index in 0..<UInt(128) { registers.write(0, at: Register.multicast + index * 4) }

        for index in 0..<Self.descriptors {
            offer(index)
            for word in 0..<UInt(4) { sendRing.write(0, at: index * 16 + word * 4) }
        }
        setUp(receiveRing, Register.receiveRing, Register.receiveLength, Register.receiveHead, Register.receiveTail)
        setUp(sendRing, Register.transmitRing, Register.transmitLength, Register.transmitHead, Register.transmitTail)
        registers.write(registers.read(Register.receiveDescriptors) | 1 << 25, at: Register.receiveDescriptors)
        registers.write(registers.read(Register.transmitDescriptors) | 1 << 25, at: Register.transmitDescriptors)
        registers.write(0x0060_200a, at: Register.gap)
        registers.write(1 << 1 | 1 << 3 | 0x0f << 4 | 0x3f << 12, at: Register.transmitControl)
        registers.write(1 << 1 | 1 << 15 | 1 << 26, at: Register.receiveControl)  // broadcasts; without checksum
        registers.write(Self.descriptors32 - 1, at: Register.receiveTail)
        registers.write(1 << 6 | 1 << 5, at: Register.control)  // link up, at the speed that is found
        registers.write(0x0420_1200, at: Register.mdic)  // PHY 1, register 0: negotiate again
    }

    private static var descriptors32: UInt32 { UInt32(descriptors) }

    private func setUp(_ ring: DeviceMemory, _ base: UInt, _ length: UInt, _ head: UInt, _ tail: UInt) {
        registers.write(UInt32(truncatingIfNeeded: ring.base), at: base)
        registers.write(0, at: base + 4)
        registers.write(Self.descriptors32 * 16, at: length)
        registers.write(0, at: head)
        registers.write(0, at: tail)
    }

    /// Gives the device a buffer to fill.
    private func offer(_ index: UInt) {
        receiveRing.write(UInt32(truncatingIfNeeded: receiveBuffers + index * Self.bufferSize), at: index * 16)
        for word in 1..<UInt(4) { receiveRing.write(0, at: index * 16 + word * 4) }
    }

    var hasLink: Bool { registers.read(Register.status) >> 1 & 1 == 1 }

    func waitForLink(milliseconds: UInt32) -> Bool { eventually(within: milliseconds) { hasLink } }

    /// - Returns: whether the device said that it is done.
    mutating func send(from address: UInt, length: UInt) -> Bool {
        let descriptor = nextSent * 16
        sendRing.write(UInt32(truncatingIfNeeded: address), at: descriptor)
        sendRing.write(0, at: descriptor + 4)
        sendRing.write(UInt32(length) | 0x0b00_0000, at: descriptor + 8)  // last part, checksum, say when done
        sendRing.write(0, at: descriptor + 12)
        nextSent = (nextSent + 1) % Self.descriptors
        registers.write(UInt32(nextSent), at: Register.transmitTail)
        return eventually(within: 1_000) { sendRing.read(descriptor + 12) & 1 == 1 }
    }

    /// The oldest frame that came; it stays there until it is released.
    var received: Frame? {
        let descriptor = nextReceived * 16
        guard receiveRing.read(descriptor + 12) & 1 == 1 else { return nil }
        return Frame(
            memory: DeviceMemory(at: receiveBuffers + nextReceived * Self.bufferSize),
            length: UInt(receiveRing.read16(descriptor + 8))
        )
    }

    /// Gives the buffer of that frame back to the device.
    mutating func release() {
        offer(nextReceived)
        registers.write(UInt32(nextReceived), at: Register.receiveTail)
        nextReceived = (nextReceived + 1) % Self.descriptors
    }
}

/// Bytes of an Ethernet frame; numbers in it have their highest byte first.
struct Frame {
    let memory: DeviceMemory
    var length: UInt

    func number(at offset: UInt, bytes: UInt) -> UInt64 {
        var result: UInt64 = 0
        for index in 0..<bytes { result = result << 8 | UInt64(memory.read8(offset + index)) }
        return result
    }

    func set(_ number: UInt64, at offset: UInt, bytes: UInt) {
        for index in 0..<bytes {
            memory.write8(UInt8(truncatingIfNeeded: number >> UInt64(8 * (bytes - 1 - index))), at: offset + index)
        }
    }

    /// The sum of the Internet protocols: 16-bit words in ones' complement.
    func checksum(at start: UInt, bytes: UInt) -> UInt64 {
        var sum: UInt32 = 0
        for index in stride(from: UInt(0), to: bytes, by: 2) {
            let low = index + 1 < bytes ? UInt32(memory.read8(start + index + 1)) : 0
            sum += UInt32(memory.read8(start + index)) << 8 | low
        }
        while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
        return UInt64(~sum & 0xffff)
    }
}

@_extern(c, "address_of_dma_memory") private func dmaMemory() -> UInt
