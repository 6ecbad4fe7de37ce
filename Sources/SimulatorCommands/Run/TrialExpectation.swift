// SPDX-License-Identifier: Apache-2.0

/// What a program's output must have, or must not.
struct TrialExpectation {
    private let until: Regex<AnyRegexOutput>?
    private let fail: Regex<AnyRegexOutput>?
    /// What was printed since the last end of a line.
    private var line: [UInt8] = []

    enum Match: Hashable {
        case until(String)
        case fail(String)
    }

    init(until: String?, fail: String?) throws {
        self.until = try until.map { try Regex($0) }
        self.fail = try fail.map { try Regex($0) }
    }

    /// Whether nothing is waited for that must still be printed.
    var isMet: Bool { until == nil }

    /// The first match in what comes now, or in the line that it continues; one that fails goes first.
    mutating func look(at bytes: [UInt8]) -> Match? {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if let match { return match }
                line = []
            } else if byte != UInt8(ascii: "\r") {
                line.append(byte)
            }
        }
        // a prompt has no end
        return match
    }

    private var match: Match? {
        guard !line.isEmpty else { return nil }
        let text = String(decoding: line, as: UTF8.self)
        if let fail, text.contains(fail) { return .fail(text) }
        if let until, text.contains(until) { return .until(text) }
        return nil
    }
}
