// SPDX-License-Identifier: Apache-2.0

package import JailhouseInterface

/// How often a CPU left its cell.
package struct ExitStatistics: Hashable, Sendable {
    private var counts: [ExitReason: UInt64] = [:]

    package init() {}

    package subscript(reason: ExitReason) -> UInt64 { counts[reason, default: 0] }

    package var total: UInt64 { counts.values.reduce(0, +) }

    /// - Parameter counts: as the hypervisor counted them.
    package init(_ counts: [ExitReason: UInt64]) {
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
