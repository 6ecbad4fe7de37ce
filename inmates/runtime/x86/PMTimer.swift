// SPDX-License-Identifier: Apache-2.0

/// The ACPI PM timer: 3.579545 MHz, 24 bits, so it must be looked at more often than every 4.6 s. Every cell may
/// read it.
struct PMTimer {
    private static let frequency: UInt32 = 3_579_545
    private let port: UInt16
    private var last: UInt32
    private var ticks: UInt32 = 0

    init(port: UInt16) {
        self.port = port
        last = Port.read32(port)
    }

    /// Whether another second went by since this was last true.
    mutating func secondHasPassed() -> Bool {
        look()
        guard ticks >= Self.frequency else { return false }
        ticks -= Self.frequency
        return true
    }

    /// Since it was made; a quarter of an hour at most.
    mutating func microseconds() -> UInt32 {
        look()
        // 3.579545 = 3 + 0.579545, in steps that 32 bits can hold
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: Self.frequency)
        return seconds * 1_000_000 + rest / 3_580 * 1_000 + rest % 3_580 * 1_000 / 3_580
    }

    mutating func milliseconds() -> UInt32 { microseconds() / 1_000 }

    private mutating func look() {
        let now = Port.read32(port)
        ticks += (now &- last) & 0xff_ffff
        last = now
    }
}

extension PMTimer {
    /// The cell's.
    init() { self.init(port: CommunicationRegion().pmTimerPort) }

    static func wait(milliseconds: UInt32) {
        var timer = PMTimer()
        while timer.milliseconds() < milliseconds { pause() }
    }
}
