// SPDX-License-Identifier: Apache-2.0

/// The cell's other processors: off until they are sent for.
enum Processors {
    /// As many as the runtime has stacks for.
    static let limit: UInt32 = 4
    private static let stackSize: UInt = 0x1000

    /// Starts one with a stack of its own. It sleeps when the program returns.
    ///
    /// - Parameter number: 1 to ``limit`` - 1: another for each that runs.
    /// - Returns: PSCI's answer, 0 when it begins.
    static func start(_ number: UInt32, affinity: UInt64, _ program: @convention(c) () -> Void) -> Int32 {
        waitingProgram.store(UInt32(truncatingIfNeeded: UInt(bitPattern: unsafeBitCast(program, to: Int.self))))
        return FirmwareCall.on.call(affinity, UInt64(entry()), UInt64(stacks() + UInt(number + 1) * stackSize))
    }

    fileprivate static var waitingProgram: SharedWord { SharedWord(1) }
}

/// Called by each further processor when it has a stack and its pages.
@c(processor_main) func processorMain() {
    InterruptController().enable()
    let address = Processors.waitingProgram.exchange(0)
    guard address != 0 else { return }
    unsafeBitCast(UInt(address), to: (@convention(c) () -> Void).self)()
}

@_extern(c, "address_of_processor_start") private func entry() -> UInt
@_extern(c, "address_of_stacks") private func stacks() -> UInt
