// SPDX-License-Identifier: Apache-2.0

/// How often a fault happens.
package struct FaultUses: Hashable, Sendable {
    /// So many times more; nil: until it is cleared.
    package var remaining: Int?
    /// Of happening when it could, 0...1.
    package var probability: Double

    package init(times: Int? = 1, probability: Double = 1) {
        remaining = times
        self.probability = probability
    }

    package var areUsedUp: Bool { remaining.map { $0 <= 0 } ?? false }

    /// Whether it happens now, which uses it once.
    mutating func take(_ random: inout SeededGenerator) -> Bool {
        guard !areUsedUp, probability >= 1 || Double.random(in: 0..<1, using: &random) < probability else {
            return false
        }
        remaining = remaining.map { $0 - 1 }
        return true
    }
}

extension FaultUses: CustomStringConvertible {
    package var description: String {
        let often =
            switch remaining {
            case nil: "until cleared"
            case 1: "once"
            case .some(let times): "\(times) times"
            }
        return probability < 1 ? "\(often), probability \(probability)" : often
    }
}
