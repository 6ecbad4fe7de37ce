// SPDX-License-Identifier: Apache-2.0

/// Interrupts are counted, each vector for itself; who waits for one looks at its count.
///
/// An exception ends the program: it is printed, and the cell declares itself failed.
struct Interrupt {
    let vector: UInt8

    /// How often it came.
    var arrivals: UInt32 { SharedWord.arrivals(of: vector).value }

    /// Lets interrupts in until this one came once more, for as long as that may take.
    ///
    /// - Parameter deadline: in milliseconds.
    /// - Returns: whether it came.
    func arrives(within deadline: UInt32, after count: UInt32) -> Bool {
        var timer = PMTimer()
        while arrivals == count {
            guard timer.milliseconds() < deadline else { return false }
            enableInterrupts()
            pause()
            disableInterrupts()
        }
        return true
    }

    /// Fills the table of all vectors.
    static func makeTable() {
        let table = DeviceMemory(at: tableAddress())
        let stubs = stubAddress()
        for vector in 0..<UInt(256) {
            let stub = UInt64(stubs + vector * 16)
            // an interrupt gate: its code runs with interrupts off
            #if arch(x86_64)
                let (selector, size) = (UInt32(0x18), UInt(16))
            #else
                let (selector, size) = (UInt32(0x08), UInt(8))
            #endif
            table.write(UInt32(stub & 0xffff) | selector << 16, at: vector * size)
            table.write(UInt32(stub & 0xffff_0000) | 0x8e00, at: vector * size + 4)
        }
    }

    static func useTable() { loadTable(tableAddress(), 0xfff) }

    /// No exception can be taken any more: the next one resets the processor.
    static func forgetTable() { loadTable(0, 0) }
}

/// Called by the stubs, with interrupts off. `frame` is where they saved the registers.
@c(interrupt_arrived) func interruptArrived(_ frame: UInt) {
    #if arch(x86_64)
        let (saved, wordSize) = (UInt(15), UInt(8))
    #else
        let (saved, wordSize) = (UInt(8), UInt(4))
    #endif
    func word(_ index: UInt) -> UInt32 { DeviceMemory(at: frame).read((saved + index) * wordSize) }
    let vector = UInt8(truncatingIfNeeded: word(0))
    guard vector >= 32 else {
        exceptionArrived(vector, code: word(1), at: word(2))
        return
    }
    SharedWord.arrivals(of: vector).add(1)
    if vector != LocalAPIC.spuriousVector { LocalAPIC.endOfInterrupt() }
}

private func exceptionArrived(_ vector: UInt8, code: UInt32, at instruction: UInt32) {
    SharedWord.printLock.store(0)  // whoever held it will not go on
    print("exception \(vector), code \(hex: code), at \(hex: instruction, digits: 8), CR2 \(hex: pageFaultAddress())")
    CommunicationRegion().set(state: .failed)
    stop()
}

@_extern(c, "address_of_interrupt_table") private func tableAddress() -> UInt
@_extern(c, "address_of_interrupt_stubs") private func stubAddress() -> UInt
@_extern(c, "interrupt_table_load") private func loadTable(_ address: UInt, _ limit: UInt32)
@_extern(c, "control_read2") private func pageFaultAddress() -> UInt
