// SPDX-License-Identifier: Apache-2.0

/// How a program's run ended.
struct TrialResult: Sendable {
    enum Verdict: Hashable, Sendable {
        /// The state "shut down", or the line that was waited for.
        case passed(String)
        /// Why, in a phrase.
        case failed(String)
        case timedOut
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

    static func status(_ results: [TrialResult]) -> Int32 {
        if results.contains(where: \.isFailed) { return 1 }
        return results.contains { $0.verdict == .timedOut } ? timeoutStatus : 0
    }

    /// Under the output of a single program.
    static func verdict(_ result: TrialResult) -> [String] {
        let time = seconds(result.seconds)
        switch result.verdict {
        case .passed(let how): return ["passed after \(time): \(how)"]
        case .failed(let why): return ["failed after \(time): \(why)"] + result.evidence.map { "  | " + $0 }
        case .timedOut: return ["timed out after \(time)"]
        }
    }

    static func row(_ result: TrialResult, width: Int) -> String {
        let name = result.name + String(repeating: " ", count: max(0, width - result.name.count))
        let (word, detail) =
            switch result.verdict {
            case .passed(let how): ("passed   ", how)
            case .failed(let why): ("failed   ", ([why] + result.evidence.prefix(2)).joined(separator: "; "))
            case .timedOut: ("timed out", result.output.lastLine.map { "last line: \($0)" } ?? "nothing was printed")
            }
        return "\(name)  \(word)  \(seconds(result.seconds))  \(detail)"
    }

    static func summary(_ results: [TrialResult]) -> String {
        let failed = results.count(where: \.isFailed)
        let timedOut = results.count { $0.verdict == .timedOut }
        return "\(results.count - failed - timedOut) passed, \(failed) failed, \(timedOut) timed out"
    }

    /// The format that CI systems read: `testsuite` and `testcase`, with `failure` and `system-out`.
    static func junit(_ results: [TrialResult]) -> String {
        let failures = results.count { if case .passed = $0.verdict { false } else { true } }
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
