// SPDX-License-Identifier: Apache-2.0

/// Time since it was made, by the generic timer's counter.
struct Stopwatch {
    private var begin = counterValue()

    init() {}

    /// Whether another second went by since this was last true.
    mutating func secondHasPassed() -> Bool {
        let second = Stopwatch.perSecond
        guard counterValue() &- begin >= second else { return false }
        begin &+= second
        return true
    }

    mutating func microseconds() -> UInt32 {
        UInt32(truncatingIfNeeded: (counterValue() &- begin) &* 1000 / (Stopwatch.perSecond / 1000))
    }

    mutating func milliseconds() -> UInt32 { microseconds() / 1_000 }

    /// The counter's frequency in Hz, 1 kHz at least.
    static var perSecond: UInt64 { max(counterFrequency(), 1000) }

    static func wait(milliseconds: UInt32) {
        var watch = Stopwatch()
        while watch.milliseconds() < milliseconds { pause() }
    }
}

/// The virtual timer of this CPU, interrupt 27.
enum VirtualTimer {
    static let interrupt = Interrupt(number: 27)
    private static let enable: UInt64 = 1

    /// Lets the interrupt come once, and stay until it is started again or stopped.
    static func start(microseconds: UInt64) {
        writeTimerValue(Stopwatch.perSecond / 1000 &* microseconds / 1000)
        writeTimerControl(enable)
    }

    static func stop() { writeTimerControl(0) }
}

@_extern(c, "counter_frequency") private func counterFrequency() -> UInt64
@_extern(c, "counter_value") private func counterValue() -> UInt64
@_extern(c, "timer_write_value") private func writeTimerValue(_ value: UInt64)
@_extern(c, "timer_write_control") private func writeTimerControl(_ value: UInt64)
