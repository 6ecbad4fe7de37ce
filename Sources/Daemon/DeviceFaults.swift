// SPDX-License-Identifier: Apache-2.0

import FailureReports

/// Accesses of devices that an IOMMU dropped. No CPU is parked for them: they are on the console only.
struct DeviceFaults {
    /// Those of one device, unit, direction and code.
    struct Count: Hashable, Sendable {
        /// The latest.
        var fault: DMAFault
        /// The cell that has the device; nil: Linux, or nobody.
        var cell: String?
        var count = 1
        /// µs since 1970.
        var last: Int
    }

    /// More kinds are not told apart.
    static let limit = 32

    private(set) var counts: [Count] = []
    /// How often an IOMMU said that it had more to report than it could keep: more were dropped than are counted.
    private(set) var overflows = 0
    /// The beginning of a report whose end has not been read.
    private var rest = ""

    /// - Parameter news: what the console has printed since the last call.
    /// - Returns: a message for each kind that was not known.
    mutating func note(_ news: String, at time: Int, in surroundings: @autoclosure () -> Surroundings) -> [String] {
        guard !news.isEmpty else { return [] }
        let text = rest + news
        // a line without its end may still grow
        let complete = text[..<(text.lastIndex(of: "\n").map { text.index(after: $0) } ?? text.startIndex)]
        let console = ConsoleText(String(complete))
        let faults = console.dmaFaults
        let unfinished = Self.unfinished(complete, faults.count)
        rest = unfinished + text[complete.endIndex...]
        let isFirst = overflows == 0
        // what is read again is counted then
        overflows += console.lostFaultReports - ConsoleText(unfinished).lostFaultReports
        let overflow = isFirst && overflows > 0 ? [DMAFault.lostReports.sentences] : []
        var known: Surroundings?
        return overflow
            + faults.compactMap { fault in
                // another one of a known kind is only counted
                guard !count(fault, at: time), counts.count < Self.limit else { return nil }
                let surroundings = known ?? surroundings()
                known = surroundings
                return note(fault, at: time, in: surroundings)
            }
    }

    /// The hypervisor is disabled.
    mutating func forget() { self = DeviceFaults() }

    /// - Returns: false for a kind that is not known.
    private mutating func count(_ fault: DMAFault, at time: Int) -> Bool {
        guard let index = counts.firstIndex(where: { $0.fault.isOfKind(fault) }) else { return false }
        counts[index].count += 1
        counts[index].last = time
        counts[index].fault = fault
        return true
    }

    private mutating func note(_ fault: DMAFault, at time: Int, in surroundings: Surroundings) -> String {
        let cell = surroundings.owner(ofDevice: fault.device)
        counts.append(Count(fault: fault, cell: cell, last: time))
        return fault.explanation(in: surroundings).sentences
    }

    /// From the last report's first line on, if it is not among those that were complete.
    private static func unfinished(_ text: Substring, _ complete: Int) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let heads = lines.indices.filter {
            lines[$0].contains("fault event reported by IOMMU") || lines[$0].contains("reported event")
        }
        guard heads.count > complete, let last = heads.last else { return "" }
        return lines[last...].joined(separator: "\n")
    }
}

extension DMAFault {
    fileprivate func isOfKind(_ other: DMAFault) -> Bool {
        unit == other.unit && device == other.device && access == other.access && code == other.code
    }
}
