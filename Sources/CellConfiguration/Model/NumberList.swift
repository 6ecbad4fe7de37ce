// SPDX-License-Identifier: Apache-2.0

/// Lists of numbers as Linux writes them for CPUs: `3-5,8`.
package enum NumberList {
    package static func members(of list: String, upTo highest: Int) throws(ConfigurationError) -> [Int] {
        var members: [Int] = []
        let parts = list.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
        if parts == [""] { return [] }
        for part in parts {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(trimmed)
            guard ends.count <= 2, let first = number(ends[0]), let last = number(ends[ends.count - 1]), first <= last
            else {
                throw ConfigurationError(
                    .invalidValue, "\"\(list)\" is no list of numbers; write it like \"3-5,8\""
                )
            }
            guard last <= highest else {
                throw ConfigurationError(.outOfRange, "\(last) is too large: \(highest) is the highest number here")
            }
            members += Array(first...last)
        }
        return members
    }

    /// - Parameter members: in ascending order.
    package static func text(of members: [Int]) -> String {
        var runs: [ClosedRange<Int>] = []
        for member in members {
            if let last = runs.last, last.upperBound + 1 == member {
                runs[runs.count - 1] = last.lowerBound...member
            } else {
                runs.append(member...member)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private static func number(_ text: String) -> Int? {
        // Int(_:) would accept a sign
        text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
    }
}
