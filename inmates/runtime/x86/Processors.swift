// SPDX-License-Identifier: Apache-2.0

/// The cell's other processors. They have come up with the first one, and wait to be sent for.
enum Processors {
    /// As many as the runtime has stacks for.
    static let limit: UInt32 = 8
    private static let stackSize: UInt = 0x4000

    /// How many have come up, this one included.
    static var ready: UInt32 { SharedWord.processorsReady.value }

    /// Of the one with this number, in the order in which they came; this one has 0.
    static func identifier(_ number: UInt32) -> UInt32 { DeviceMemory(at: identifiers()).read(UInt(number) * 4) }

    /// Starts one by INIT and SIPI, with a stack of its own. It halts when the program returns.
    ///
    /// - Returns: whether it began.
    static func start(_ number: UInt32, by apic: LocalAPIC, _ program: @convention(c) () -> Void) -> Bool {
        SharedWord.waitingProgram.store(
            UInt32(truncatingIfNeeded: UInt(bitPattern: unsafeBitCast(program, to: Int.self))))
        SharedWord.waitingStack.store(UInt32(truncatingIfNeeded: stacks() + UInt(number + 1) * stackSize))
        let target = identifier(number)
        apic.send(.initialize, to: target)
        PMTimer.wait(milliseconds: 10)
        // its page is 0, where start.S is; again if the first was lost, as Intel's specification has it
        apic.send(.startup, vector: 0, to: target)
        if eventually(within: 10, { hasBegun }) { return true }
        apic.send(.startup, vector: 0, to: target)
        return eventually(within: 10_000) { hasBegun }
    }

    private static var hasBegun: Bool { SharedWord.waitingProgram.value == 0 && SharedWord.waitingStack.value == 0 }
}

@_extern(c, "address_of_stacks") private func stacks() -> UInt
@_extern(c, "address_of_processor_identifiers") private func identifiers() -> UInt
