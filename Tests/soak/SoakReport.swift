import Foundation

/// What came of a soak.
struct SoakReport {
    let took: Duration
    let failures: Int
    let requests: Int
    let restarts: [Duration]
    let first: Resources
    let last: Resources
    let warmUp: Double
    let missed: Int

    /// How much more memory at the end is no growth: what an allocator keeps back varies.
    private static let memorySlack = 2048

    /// How late each restart began, in ascending order.
    private var lateness: [Duration] { restarts.map { $0 - SoakPlace.delay }.sorted() }

    private func quantile(_ part: Double) -> Duration {
        let sorted = lateness
        guard !sorted.isEmpty else { return .zero }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }

    var table: String {
        let seconds = took / .seconds(1)
        func row(_ name: String, _ value: String) -> String {
            name + String(repeating: " ", count: max(1, 34 - name.count)) + value
        }
        func milliseconds(_ duration: Duration) -> String { String(format: "%.1f ms", duration / .milliseconds(1)) }
        func change(_ name: String, _ value: (Resources) -> Int) -> String {
            row(name, "\(value(first)) → \(value(last))")
        }
        return [
            row("duration", String(format: "%.0f s", seconds)),
            row("failures and restarts", "\(failures) (\(Int(Double(failures) / seconds)) a second)"),
            row("status requests", "\(requests) (\(Int(Double(requests) / seconds)) a second)"),
            row("restarts later than their delay", "median \(milliseconds(quantile(0.5)))"),
            row("", "99 %   \(milliseconds(quantile(0.99)))"),
            row("", "99.9 % \(milliseconds(quantile(0.999)))"),
            row("", "last   \(milliseconds(quantile(1)))"),
            row("changes that a watcher missed", "\(missed)"),
            "after \(Int(warmUp)) s → at the end",
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
        if restarts.contains(where: { $0 < SoakPlace.delay }) {
            findings.append("a restart began before its delay was over")
        }
        if quantile(0.999) > limit { findings.append("more than one restart in a thousand began later than \(limit)") }
        return findings
    }
}
