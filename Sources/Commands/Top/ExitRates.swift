// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// How often a second a cell's CPUs leave it for the hypervisor, in all and by reason.
struct ExitRates: Hashable {
    var total: Double
    /// The most frequent first; those that do not happen are left out.
    var reasons: [Reason]

    struct Reason: Hashable {
        /// The driver's word: `mmio`, `pio`.
        let name: String
        let rate: Double
    }

    /// The driver counts modulo this (driver/sysfs.c shows 31 bits).
    private static let modulus = 1 << 31

    /// - Parameters:
    ///   - before: the counters at the earlier time; only those of the whole cell count.
    ///   - seconds: between the two.
    /// - Returns: nil when they cannot be compared: a counter is gone, or was set to 0 meanwhile.
    init?(from before: [String: Int], to after: [String: Int], seconds: Double) {
        guard seconds > 0, let last = after[Self.total], let first = before[Self.total],
            let total = Self.difference(first, last)
        else { return nil }
        self.total = Double(total) / seconds
        reasons = after.compactMap { name, value -> Reason? in
            guard name != Self.total, let first = before[name], let count = Self.difference(first, value), count > 0
            else { return nil }
            return Reason(name: String(name.dropFirst(Self.prefix.count)), rate: Double(count) / seconds)
        }
        .sorted { ($1.rate, $0.name) < ($0.rate, $1.name) }
    }

    /// The counters of a cell as a whole, without those of each CPU.
    static func counters(_ statistics: [Manager.Statistic]) -> [String: Int] {
        let own = statistics.filter { !$0.name.contains("/") && $0.name.hasPrefix(prefix) }
        return Dictionary(own.map { ($0.name, $0.value) }) { first, _ in first }
    }

    private static let prefix = "vmexits_"
    private static let total = "vmexits_total"

    private static func difference(_ first: Int, _ last: Int) -> Int? {
        if last >= first { return last - first }
        // the counter went round, or begins again: only the former leaves a difference that is small
        let wrapped = last + modulus - first
        return wrapped >= 0 && wrapped < modulus / 2 ? wrapped : nil
    }

    /// Three significant digits: `0`, `0.5`, `12`, `1.2k`, `34k`, `5.6M`.
    static func text(_ rate: Double) -> String {
        switch rate {
        case ..<0.05: return "0"
        case ..<9.95: return oneDecimal(rate)
        case ..<999.5: return "\(Int(rate.rounded()))"
        case ..<9_950: return oneDecimal(rate / 1_000) + "k"
        case ..<999_500: return "\(Int((rate / 1_000).rounded()))k"
        case ..<9_950_000: return oneDecimal(rate / 1_000_000) + "M"
        default: return "\(Int((rate / 1_000_000).rounded()))M"
        }
    }

    private static func oneDecimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
