// SPDX-License-Identifier: Apache-2.0

/// Registers of a device in memory. Each access is one plain move of its width, in the order of the program.
struct DeviceMemory {
    let base: UInt

    init(at base: UInt) { self.base = base }

    func read(_ offset: UInt) -> UInt32 { deviceRead32(base + offset) }
    func read16(_ offset: UInt) -> UInt16 { UInt16(truncatingIfNeeded: deviceRead16(base + offset)) }
    func read8(_ offset: UInt) -> UInt8 { UInt8(truncatingIfNeeded: deviceRead8(base + offset)) }
    func write(_ value: UInt32, at offset: UInt) { deviceWrite32(base + offset, value) }
    func write16(_ value: UInt16, at offset: UInt) { deviceWrite16(base + offset, UInt32(value)) }
    func write8(_ value: UInt8, at offset: UInt) { deviceWrite8(base + offset, UInt32(value)) }
    #if arch(arm64)
        func read64(_ offset: UInt) -> UInt64 { deviceRead64(base + offset) }
        func write64(_ value: UInt64, at offset: UInt) { deviceWrite64(base + offset, value) }
    #endif
}

/// A word that several processors, or a program and its interrupts, change. Those of an index are one word; the
/// runtime has 0 to 7, a program 8 to 15. They are 0 when the program begins.
struct SharedWord {
    private let address: UInt

    init(_ index: UInt) { address = addressOfRuntimeWords() + index * 4 }

    fileprivate init(at address: UInt) { self.address = address }

    /// A word of memory that is not the program's.
    static func at(_ address: UInt) -> SharedWord { SharedWord(at: address) }

    var value: UInt32 { deviceRead32(address) }
    func store(_ value: UInt32) { deviceWrite32(address, value) }
    /// - Returns: what it was before.
    @discardableResult func add(_ value: UInt32) -> UInt32 { wordAdd(address, value) }
    /// - Returns: what it was before.
    func exchange(_ value: UInt32) -> UInt32 { wordExchange(address, value) }
}

extension SharedWord {
    static var printLock: SharedWord { SharedWord(at: addressOfPrintLock()) }
    static var processorsReady: SharedWord { SharedWord(at: addressOfProcessorsReady()) }
    static var waitingStack: SharedWord { SharedWord(at: addressOfWaitingStack()) }
    static var waitingProgram: SharedWord { SharedWord(at: addressOfWaitingProgram()) }
    static var regionAddress: SharedWord { SharedWord(at: addressOfRegionAddress()) }
    /// How often this vector came.
    static func arrivals(of vector: UInt8) -> SharedWord {
        SharedWord(at: addressOfInterruptCounts() + UInt(vector) * 4)
    }
}

@_extern(c, "device_read8") private func deviceRead8(_ address: UInt) -> UInt32
@_extern(c, "device_read16") private func deviceRead16(_ address: UInt) -> UInt32
@_extern(c, "device_read32") private func deviceRead32(_ address: UInt) -> UInt32
@_extern(c, "device_write8") private func deviceWrite8(_ address: UInt, _ value: UInt32)
@_extern(c, "device_write16") private func deviceWrite16(_ address: UInt, _ value: UInt32)
@_extern(c, "device_write32") private func deviceWrite32(_ address: UInt, _ value: UInt32)
@_extern(c, "word_add") private func wordAdd(_ address: UInt, _ value: UInt32) -> UInt32
@_extern(c, "word_exchange") private func wordExchange(_ address: UInt, _ value: UInt32) -> UInt32
@_extern(c, "address_of_runtime_words") private func addressOfRuntimeWords() -> UInt
@_extern(c, "address_of_print_lock") private func addressOfPrintLock() -> UInt
@_extern(c, "address_of_processors_ready") private func addressOfProcessorsReady() -> UInt
@_extern(c, "address_of_waiting_stack") private func addressOfWaitingStack() -> UInt
@_extern(c, "address_of_waiting_program") private func addressOfWaitingProgram() -> UInt
@_extern(c, "address_of_region_address") private func addressOfRegionAddress() -> UInt
@_extern(c, "address_of_interrupt_counts") private func addressOfInterruptCounts() -> UInt
#if arch(arm64)
    @_extern(c, "device_read64") private func deviceRead64(_ address: UInt) -> UInt64
    @_extern(c, "device_write64") private func deviceWrite64(_ address: UInt, _ value: UInt64)
#endif
