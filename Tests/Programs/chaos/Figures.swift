// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a chaos has seen.
final class Figures {
    var rounds = 0
    private var events: [String: Int] = [:]
    var commands = 0
    var refused = 0
    var starts = 0
    var ordersDone = 0
    var ordersRefused = 0
    var ordersLost = 0
    private var convergences: [Duration] = []
    private var descriptors = 0
    private var memory = 0
    private let begin = ContinuousClock.now

    /// Beyond what the daemon has with all cells running and no client.
    private static let mostDescriptors = 80
    private static let mostMemory = 256 << 10

    func count(_ kind: String) { events[kind, default: 0] += 1 }
    func uncount(_ kind: String) { events[kind, default: 1] -= 1 }
    func note(convergence: Duration) { convergences.append(convergence) }

    /// - Throws: ``Wrong`` when it is more than could be explained.
    func note(_ resources: (memory: Int, descriptors: Int)) throws {
        descriptors = max(descriptors, resources.descriptors)
        memory = max(memory, resources.memory)
        if resources.descriptors > Self.mostDescriptors {
            throw Wrong("the daemon has \(resources.descriptors) descriptors")
        }
        if resources.memory > Self.mostMemory { throw Wrong("the daemon has \(resources.memory) KiB of memory") }
    }

    func note(_ end: Given.End) {
        switch end {
        case .done: ordersDone += 1
        case .refused: ordersRefused += 1
        case .lost, .undelivered, .pending: ordersLost += 1
        }
    }

    func say() {
        let sorted = convergences.sorted()
        func at(_ part: Double) -> String {
            guard !sorted.isEmpty else { return "-" }
            return milliseconds(sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))])
        }
        var lines: [(String, String)] = [("rounds", "\(rounds), in \(milliseconds(begin.duration(to: .now)))")]
        lines += events.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        lines += [
            ("orders", "\(ordersDone) done, \(ordersRefused) refused, \(ordersLost) lost with a daemon"),
            ("commands to the driver", "\(commands), of which \(refused) failed and \(starts) were starts"),
            ("until all was well", "median \(at(0.5)), 99 of 100 within \(at(0.99)), longest \(at(1))"),
            ("most of the daemon", "\(descriptors) descriptors, \(memory) KiB resident"),
        ]
        let width = lines.map(\.0.count).max() ?? 0
        for (name, value) in lines {
            tell(String(repeating: " ", count: width - name.count) + name + "  " + value)
        }
    }

    private func milliseconds(_ time: Duration) -> String {
        let milliseconds = Double(time.components.seconds) * 1000 + Double(time.components.attoseconds) / 1e15
        return milliseconds < 10_000
            ? String(format: "%.0f ms", milliseconds) : String(format: "%.0f s", milliseconds / 1000)
    }
}
