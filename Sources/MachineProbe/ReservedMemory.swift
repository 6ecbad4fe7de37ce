// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// The memory that Linux keeps free for the hypervisor and its cells: `memmap=80M$0x3a000000` on its command line.
struct ReservedMemory: Hashable {
    var start: UInt64
    var size: UInt64

    /// The hypervisor's share, at the end.
    static let hypervisorSize: UInt64 = 8 << 20
    /// What is proposed when nothing is reserved.
    static let proposedSize: UInt64 = 80 << 20
    private static let alignment: UInt64 = 2 << 20

    var hypervisorStart: UInt64 { start + size - Self.hypervisorSize }
    var last: UInt64 { start + (size - 1) }
    var range: ClosedRange<UInt64> { start...last }

    /// The largest reservation of a command line that has room for a hypervisor and some cell.
    init?(commandLine: String) {
        let reservations = RunningMachine.reservations(commandLine: commandLine).compactMap { ReservedMemory($0) }
        guard let largest = reservations.max(by: { $0.size < $1.size }) else { return nil }
        self = largest
    }

    /// A place for it near the end of the RAM below 4 GiB; nil when there is too little.
    init?(proposedIn resources: [RunningMachine.Resource]) {
        let end = resources.filter { $0.name == "System RAM" && $0.parents.isEmpty && $0.last < 1 << 32 }
            .filter { $0.last - $0.first > 4 * Self.proposedSize }.map { $0.last + 1 }.max()
        // some MiB at the end are left to Linux: firmware likes to keep its tables there
        guard let end else { return nil }
        let start = (end - Self.proposedSize - (16 << 20)) / Self.alignment * Self.alignment
        self.init(start: start, size: Self.proposedSize)
    }

    /// One that there is; nil when it has no room for a hypervisor and some cell.
    init?(_ range: ClosedRange<UInt64>) {
        let (size, overflow) = (range.upperBound - range.lowerBound).addingReportingOverflow(1)
        guard !overflow, size > Self.hypervisorSize, range.lowerBound % 4096 == 0, size % 4096 == 0 else { return nil }
        self.init(start: range.lowerBound, size: size)
    }

    /// A place near the end of the RAM, below 4 GiB if there is enough; nil when there is too little.
    init?(proposedIn memory: [ClosedRange<UInt64>]) {
        let large = memory.filter { $0.upperBound - $0.lowerBound > 4 * Self.proposedSize && $0.upperBound < 1 << 52 }
        let low = large.filter { $0.upperBound < 1 << 32 }
        guard let end = (low.isEmpty ? large : low).map(\.upperBound).max() else { return nil }
        let start = (end + 1 - Self.proposedSize - (16 << 20)) / Self.alignment * Self.alignment
        self.init(start: start, size: Self.proposedSize)
    }

    /// What is wrong with a word `memmap=` of a command line, and the word: `$` is a shell's, and a boot loader's.
    enum SpoiledParameter: Hashable {
        /// It has lost its address.
        case eaten(String)
        /// It has a backslash of too many.
        case escaped(String)
    }

    static func spoiledParameter(in commandLine: String) -> SpoiledParameter? {
        let words = commandLine.split { $0 == " " || $0 == "\n" }.filter { $0.hasPrefix("memmap=") }
        for word in words {
            if word.contains("\\") { return .escaped(String(word)) }
            let parts = word.dropFirst(7).split(separator: ",")
            let isEaten = parts.contains { !$0.contains { "$@#!%".contains($0) } && $0 != "exactmap" }
            if isEaten { return .eaten(String(word)) }
        }
        return nil
    }

    private init(start: UInt64, size: UInt64) {
        self.start = start
        self.size = size
    }

    /// `memmap=80M$0x3a000000`
    var parameter: String { MemoryParameter.text(start...last) }
}
