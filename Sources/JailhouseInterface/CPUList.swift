// SPDX-License-Identifier: Apache-2.0

/// Sets of CPUs as the kernel writes them (lib/vsprintf.c, `%*pbl` and `%*pb`).
package enum CPUList {
    /// CPUs above this are taken for a misread text.
    private static let mostCPUs = 1 << 16

    /// Reads a list such as `3-5,8`, without its newline; empty text is the empty list.
    ///
    /// - Returns: the CPUs, ascending as the kernel prints them; nil for what the kernel would not print.
    package static func parse(_ text: Substring) -> [Int]? {
        if text.isEmpty { return [] }
        var members: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2,
                first > members.last ?? -1, last >= first, last < mostCPUs
            else { return nil }
            members.append(contentsOf: first...last)
        }
        return members
    }

    /// `3-5,8`; empty for none.
    package static func text(_ cpus: some Sequence<Int>) -> String {
        var runs: [ClosedRange<Int>] = []
        for cpu in Set(cpus).sorted() {
            if let last = runs.last, last.upperBound + 1 == cpu {
                runs[runs.count - 1] = last.lowerBound...cpu
            } else {
                runs.append(cpu...cpu)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    /// Hexadecimal, with as many digits as `width` CPUs need, a comma every 32 CPUs.
    package static func mask(_ cpus: Set<Int>, width: Int) -> String {
        let digits = max(1, (width + 3) / 4)
        var text = ""
        for digit in (0..<digits).reversed() {
            let bits = (0..<4).reduce(0) { $0 | (cpus.contains(digit * 4 + $1) ? 1 << $1 : 0) }
            text += String(bits, radix: 16)
            if digit % 8 == 0 && digit > 0 { text += "," }
        }
        return text
    }
}
