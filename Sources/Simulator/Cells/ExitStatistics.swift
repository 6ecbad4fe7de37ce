/// Why a CPU left its cell for the hypervisor; the raw value is the end of the file's name, `vmexits_…`.
public enum ExitReason: String, Hashable, Sendable, CaseIterable {
    case mmio
    case management
    case hypercall
    case portIO = "pio"
    case xapic
    case controlRegister = "cr"
    case cpuid
    case xsetbv
    case exception
    case otherMSR = "msr_other"
    case x2APICCommand = "msr_x2apic_icr"
}

/// How often a CPU left its cell.
public struct ExitStatistics: Hashable, Sendable {
    private var counts: [ExitReason: UInt64] = [:]

    public init() {}

    public subscript(reason: ExitReason) -> UInt64 { counts[reason, default: 0] }

    public var total: UInt64 { counts.values.reduce(0, +) }

    /// - Parameter counts: as the hypervisor counted them.
    public init(_ counts: [ExitReason: UInt64]) {
        self.counts = counts
    }

    mutating func count(_ reason: ExitReason) {
        counts[reason, default: 0] += 1
    }

    static func + (left: ExitStatistics, right: ExitStatistics) -> ExitStatistics {
        var sum = left
        sum.counts.merge(right.counts, uniquingKeysWith: +)
        return sum
    }
}
