// SPDX-License-Identifier: Apache-2.0

/// Interrupts are counted, each for itself; who waits for one looks at its count.
///
/// An exception ends the program: it is printed, and the cell declares itself failed.
struct Interrupt {
    /// Below 256.
    let number: UInt32

    /// How often it came.
    var arrivals: UInt32 { SharedWord.arrivals(of: UInt8(truncatingIfNeeded: number)).value }

    /// Lets interrupts in until this one came once more, for as long as that may take.
    ///
    /// - Parameter deadline: in milliseconds.
    /// - Returns: whether it came.
    func arrives(within deadline: UInt32, after count: UInt32) -> Bool {
        var watch = Stopwatch()
        while arrivals == count {
            guard watch.milliseconds() < deadline else { return false }
            enableInterrupts()
            pause()
            disableInterrupts()
        }
        return true
    }
}

/// Called by the vector, with interrupts off.
@c(interrupt_arrived) func interruptArrived() {
    let controller = InterruptController()
    let acknowledged = controller.acknowledge()
    let number = acknowledged & 0x3ff
    guard number < 1020 else { return }
    // its condition holds until it is set anew
    if number == VirtualTimer.interrupt.number { VirtualTimer.stop() }
    if number < 256 { SharedWord.arrivals(of: UInt8(truncatingIfNeeded: number)).add(1) }
    controller.end(acknowledged)
}

@c(exception_arrived) func exceptionArrived(_ syndrome: UInt64, _ instruction: UInt64, _ address: UInt64) {
    SharedWord.printLock.store(0)  // whoever held it will not go on
    print(
        "exception \(hex: syndrome >> 26), syndrome \(hex: syndrome, digits: 8), at \(hex: instruction, digits: 8), FAR \(hex: address)"
    )
    CommunicationRegion().set(state: .failed)
    stop()
}
