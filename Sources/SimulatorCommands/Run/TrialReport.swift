// SPDX-License-Identifier: Apache-2.0

/// How a program's run ended.
struct TrialResult: Sendable {
    enum Verdict: Hashable, Sendable {
        /// The state "shut down", or the line that was waited for.
        case passed(String)
        /// Why, in a phrase.
        case failed(String)
        case timedOut
        /// By this signal to `jailhouse-sim`.
        case interrupted(Int32)
    }

    var name: String
    var verdict: Verdict
    var seconds: Double
    /// What it printed.
    var output: String
    /// The hypervisor's lines about it.
    var evidence: [String] = []
}

/// Results as text; nothing of it reads a clock or writes a file.
enum TrialReport {
    /// As `timeout` has it.
    static let timeoutStatus: Int32 = 124

    /// An interruption is reported as a shell reports a program that its signal ended: 128 and the signal's number.
    static func status(_ results: [TrialResult]) -> Int32 {
        if case .interrupted(let signal) = results.last?.verdict { return 128 + signal }
        if results.contains(where: \.isFailed) { return 1 }
        return results.contains { $0.verdict == .timedOut } ? timeoutStatus : 0
    }

    /// Under the output of a single program.
    static func verdict(_ result: TrialResult) -> [String] {
        let time = seconds(result.seconds)
        switch result.verdict {
        case .passed(let how): return ["passed after \(time): \(how)"]
        case .failed(let why): return ["failed after \(time): \(why)"] + result.evidence.map { "  | " + $0 }
        // a CPU that was parked, beside others that went on, may be why
        case .timedOut: return ["timed out after \(time)"] + result.evidence.map { "  | " + $0 }
        case .interrupted(let signal): return ["interrupted by signal \(signal) after \(time)"]
        }
    }

    static func row(_ result: TrialResult, width: Int) -> String {
        let name = result.name + String(repeating: " ", count: max(0, width - result.name.count))
        let (word, detail) =
            switch result.verdict {
            case .passed(let how): ("passed   ", how)
            case .failed(let why): ("failed   ", ([why] + result.evidence.prefix(2)).joined(separator: "; "))
            case .timedOut: ("timed out", result.output.lastLine.map { "last line: \($0)" } ?? "nothing was printed")
            case .interrupted(let signal): ("stopped  ", "interrupted by signal \(signal)")
            }
        return "\(name)  \(word)  \(seconds(result.seconds))  \(detail)"
    }

    static func summary(_ results: [TrialResult]) -> String {
        let failed = results.count(where: \.isFailed)
        let timedOut = results.count { $0.verdict == .timedOut }
        let passed = results.count(where: \.isPassed)
        let rest = results.count - passed - failed - timedOut
        return "\(passed) passed, \(failed) failed, \(timedOut) timed out" + (rest > 0 ? ", \(rest) interrupted" : "")
    }

    /// The format that CI systems read: `testsuite` and `testcase`, with `failure` and `system-out`.
    static func junit(_ results: [TrialResult]) -> String {
        let failures = results.count { !$0.isPassed }
        var text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuite name="jailhouse-sim run" tests="\(results.count)" failures="\(failures)">

            """
        for result in results {
            text += "  <testcase name=\"\(xml(result.name))\" time=\"\(result.seconds.milliseconds)\">\n"
            let message: String? =
                switch result.verdict {
                case .passed: nil
                case .failed(let why): why
                case .timedOut: "timed out"
                case .interrupted: "interrupted"
                }
            if let message {
                text += "    <failure message=\"\(xml(message))\">\(xml(result.evidence.joined(separator: "\n")))"
                text += "</failure>\n"
            }
            text += "    <system-out>\(xml(result.output))</system-out>\n  </testcase>\n"
        }
        return text + "</testsuite>\n"
    }

    /// XML 1.0 has no way to write most control characters.
    private static func xml(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\r": break
            case "\n", "\t": result.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0xfffe || scalar.value == 0xffff: result += "\u{fffd}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func seconds(_ seconds: Double) -> String { "\(seconds.milliseconds) s" }
}

extension TrialResult {
    var isPassed: Bool { if case .passed = verdict { true } else { false } }
    var isFailed: Bool { if case .failed = verdict { true } else { false } }
}

extension Double {
    /// With three digits behind the point.
    fileprivate var milliseconds: String {
        let count = Int((self * 1000).rounded())
        let rest = String(count % 1000)
        return "\(count / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}

extension String {
    fileprivate var lastLine: Substring? {
        // CR LF is one character
        split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }
    }
}
