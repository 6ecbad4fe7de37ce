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
        let now = Port.read32(port)
        ticks += (now &- last) & 0xff_ffff
        last = now
        guard ticks >= Self.frequency else { return false }
        ticks -= Self.frequency
        return true
    }
}
