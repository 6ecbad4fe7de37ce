import Supervision

/// The evidence of one failure, kept before anything was repaired.
struct FailureRecord: Hashable, Sendable, Codable {
    /// How many are kept of each cell.
    static let kept = 8

    /// µs since 1970.
    var at: Int
    var cause: FailureCause
    /// The hypervisor's word for the cell at that time; nil when there was no such cell.
    var state: String?
    var failedCPUs: [Int]
    /// What the hypervisor's console showed last.
    var console: [String]

    init(_ cause: FailureCause, of observation: Observation?, console: String) {
        at = Clock.realTime()
        self.cause = cause
        state = observation?.state.rawValue
        failedCPUs = observation?.failedCPUs ?? []
        self.console = Self.lines(of: console, about: observation?.failedCPUs ?? [])
    }

    /// The cause and, if the hypervisor gave one, its reason.
    var reason: String {
        guard let line = console.first(where: { $0.hasPrefix(Self.fatal) }) else { return "\(cause)" }
        return "\(cause): \(line.dropFirst(Self.fatal.count))"
    }

    private static let fatal = "FATAL: "

    /// The lines since the last one of an earlier life: from the first `FATAL` of the last block, or the last few.
    private static func lines(of console: String, about cpus: [Int]) -> [String] {
        let lines = console.split(whereSeparator: \.isNewline).map(String.init)
        let isReason = { (line: String) in line.hasPrefix(fatal) }
        guard let last = lines.lastIndex(where: isReason), !cpus.isEmpty else { return Array(lines.suffix(5)) }
        var first = last
        while first > 0, isReason(lines[first - 1]) { first -= 1 }
        return Array(lines[first...].prefix(40))
    }
}
