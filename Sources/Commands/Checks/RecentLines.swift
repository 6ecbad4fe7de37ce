// SPDX-License-Identifier: Apache-2.0

import FailureReports

/// The lines that a Linux printed last, since it began: the evidence of its end.
struct RecentLines {
    static let most = 30
    private static let longest = 200

    private var lines: [String] = []

    mutating func add(_ line: String) {
        if GuestMessage.isBoot(line) { lines = [] }
        lines.append(String(line.prefix(Self.longest)))
        if lines.count > Self.most { lines.removeFirst() }
    }

    var text: String { lines.joined(separator: "\n") }
}
