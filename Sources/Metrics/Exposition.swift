// SPDX-License-Identifier: Apache-2.0

/// Text in Prometheus' exposition format 0.0.4: families of samples, each with its help and type before them.
package struct Exposition: Sendable {
    package enum Kind: String, Sendable {
        case gauge, counter, summary
    }

    /// UTF-8.
    package private(set) var text = ""

    /// A value with its labels, in their order.
    struct Sample {
        var labels: [(String, String)]
        var value: Value
        /// Of a summary: `_sum` or `_count`.
        var suffix = ""

        init(_ labels: [(String, String)] = [], _ value: Value, suffix: String = "") {
            self.suffix = suffix
            self.labels = labels
            self.value = value
        }
    }

    /// One family. Nothing is written without samples.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0)=\"\(Self.escaped($1, quotes: true))\"" }.joined(separator: ",")
            text += name + sample.suffix + (labels.isEmpty ? "" : "{\(labels)}") + " \(sample.value.text)\n"
        }
    }

    enum Value {
        case number(Int)
        case truth(Bool)
        /// Shown in seconds.
        case microseconds(Int)

        var text: String {
            switch self {
            case .number(let number): return "\(number)"
            case .truth(let truth): return truth ? "1" : "0"
            case .microseconds(let time):
                let (whole, rest) = (abs(time) / 1_000_000, abs(time) % 1_000_000)
                let digits = String(repeating: "0", count: 6 - "\(rest)".count) + "\(rest)"
                return (time < 0 ? "-" : "") + "\(whole)" + (rest == 0 ? "" : ".\(digits)")
            }
        }
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
