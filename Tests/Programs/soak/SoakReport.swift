// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What came of a soak.
struct SoakReport {
    let took: Duration
    let failures: Int
    let requests: Int
    let restarts: [Duration]
    let first: Resources
    let last: Resources
    let warmUp: Int
    let missed: Int
    /// How late a thread that does nothing else woke from its sleeps.
    let sleeps: [Duration]

    /// How much more memory at the end is no growth: what an allocator keeps back varies.
    private static let memorySlack = 2048

    /// How late each restart began, by the announcement of it; the decision, from which the delay counts, is earlier by
    /// as long as it takes to keep the evidence.
    private var lateness: [Duration] { restarts.map { $0 - SoakPlace.delay } }

    private static func quantile(_ part: Double, of durations: [Duration]) -> Duration {
        let sorted = durations.sorted()
        return sorted.isEmpty ? .zero : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }

    var table: String {
        let seconds = took / .seconds(1)
        func row(_ name: String, _ value: String) -> String {
            name + String(repeating: " ", count: max(1, 34 - name.count)) + value
        }
        func milliseconds(_ duration: Duration) -> String { String(format: "%.1f ms", duration / .milliseconds(1)) }
        func quantiles(_ durations: [Duration]) -> String {
            [(0.5, "median"), (0.99, "99 %"), (0.999, "99.9 %"), (1, "last")].map { part, name in
                "\(name) \(milliseconds(Self.quantile(part, of: durations)))"
            }.joined(separator: ", ")
        }
        func change(_ name: String, _ value: (Resources) -> Int) -> String {
            row(name, "\(value(first)) → \(value(last))")
        }
        return [
            row("duration", String(format: "%.0f s", seconds)),
            row("failures and restarts", "\(failures) (\(Int(Double(failures) / seconds)) a second)"),
            row("status requests", "\(requests) (\(Int(Double(requests) / seconds)) a second)"),
            row("restarts later than their delay", quantiles(lateness)),
            row("sleeps of an idle thread, later", quantiles(sleeps)),
            row("changes that a watcher missed", "\(missed)"),
            "after \(warmUp) failures → at the end",
            change("resident memory, KiB") { $0.memory }, change("open descriptors") { $0.descriptors },
            change("threads") { $0.threads },
        ].joined(separator: "\n")
    }

    func findings(lateness limit: Duration) -> [String] {
        var findings: [String] = []
        let memory = first.memory + max(first.memory / 10, Self.memorySlack)
        if last.memory > memory { findings.append("resident memory grew beyond \(memory) KiB") }
        if last.descriptors > first.descriptors { findings.append("descriptors stay open") }
        if last.threads > first.threads { findings.append("threads stay") }
        if restarts.isEmpty { findings.append("no restart was seen") }
        // between the announcement and the restart the daemon waits for the processor some times
        let allowed = limit + Self.quantile(0.99, of: sleeps) * 4
        if Self.quantile(0.99, of: lateness) > allowed {
            findings.append("more than one restart in a hundred began later than \(allowed)")
        }
        // what happens once may happen when the machine is busiest
        let longest = limit * 10 + Self.quantile(1, of: sleeps) * 4
        if Self.quantile(1, of: lateness) > longest { findings.append("a restart began later than \(longest)") }
        return findings
    }
}
