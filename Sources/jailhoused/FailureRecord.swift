import JailhouseInterface
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
    /// How often the cell's CPUs had left it, in all and for the hypervisor's own business; nil when that could not be
    /// read, and in records of older daemons.
    var exits: Int?
    var managementExits: Int?

    init(
        _ cause: FailureCause, of observation: Observation?, exits: (total: UInt64?, management: UInt64?) = (nil, nil),
        console: String
    ) {
        at = Clock.realTime()
        self.cause = cause
        state = observation?.state.rawValue
        self.exits = exits.total.map { Int(clamping: $0) }
        managementExits = exits.management.map { Int(clamping: $0) }
        failedCPUs = observation?.failedCPUs ?? []
        self.console = Self.lines(of: console, about: observation?.failedCPUs ?? [])
    }

    /// The cause and, if the hypervisor gave one, its reason.
    var reason: String {
        // the last lines of all may be about another cell: a block of this one begins with its reason
        guard !failedCPUs.isEmpty, let line = console.first, line.hasPrefix(Self.fatal) else { return "\(cause)" }
        return "\(cause): \(line.dropFirst(Self.fatal.count))"
    }

    private static let fatal = "FATAL: "

    /// The last block, from its first `FATAL` on, in which one of these CPUs was parked: other cells fail, too. Without
    /// one, the last few lines.
    private static func lines(of console: String, about cpus: [Int]) -> [String] {
        let lines = console.split(whereSeparator: \.isNewline).map(String.init)
        let recent = Array(lines.suffix(5))
        guard !cpus.isEmpty else { return recent }
        let isReason = lines.map { $0.hasPrefix(fatal) }
        let beginnings = lines.indices.filter { isReason[$0] && ($0 == 0 || !isReason[$0 - 1]) }
        var end = lines.endIndex
        for beginning in beginnings.reversed() {
            let block = lines[beginning..<end]
            let parked = block.compactMap(parkedCPU)
            // one that is not complete yet says of nobody else that it is his
            if parked.isEmpty || parked.contains(where: cpus.contains) { return Array(block.prefix(40)) }
            end = beginning
        }
        // others' reasons are not its own
        return Array(recent.drop { $0.hasPrefix(fatal) })
    }

    private static func parkedCPU(_ line: String) -> Int? {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.count >= 3, words[0] == "Parking", words[1] == "CPU" else { return nil }
        return Int(words[2])
    }
}
