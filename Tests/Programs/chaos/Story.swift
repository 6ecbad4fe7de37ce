// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import SystemCalls
import TestSupport

/// What happened, line by line, from all threads: the last of it is printed when something is wrong.
final class Story: Sendable {
    private static let longest = 2000
    private let lines = Mutex<[(at: ContinuousClock.Instant, text: String)]>([])
    private let begin = ContinuousClock.now
    private let isTold: Bool

    /// - Parameter isTold: print each line as it comes.
    init(isTold: Bool) {
        self.isTold = isTold
    }

    func say(_ text: String) {
        let now = ContinuousClock.now
        lines.withLock { lines in
            if lines.count >= Self.longest { lines.removeFirst(Self.longest / 2) }
            lines.append((now, text))
        }
        if isTold { tell(format(now, text)) }
    }

    /// The last lines, oldest first.
    func last(_ count: Int) -> String {
        lines.withLock { lines in
            lines.suffix(count).map { format($0.at, $0.text) }.joined(separator: "\n")
        }
    }

    private func format(_ at: ContinuousClock.Instant, _ text: String) -> String {
        let microseconds = begin.duration(to: at).components
        let seconds = Double(microseconds.seconds) + Double(microseconds.attoseconds) / 1e18
        return String(format: "%10.4f  ", seconds) + text
    }
}

/// Something that must never be.
struct Wrong: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension SeededGenerator {
    init(seed: UInt64, round: Int) {
        self.init(seed: seed &+ UInt64(round) &* 0xd1b5_4a32_d192_ed03)
    }

    mutating func one<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }

    mutating func isSo(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

    mutating func milliseconds(_ range: ClosedRange<Double>) -> Duration {
        .microseconds(Int(Double.random(in: range, using: &self) * 1000))
    }
}

/// A line of output, at once also when it goes to a pipe.
func tell(_ line: String) {
    _ = try? SystemCall.write(Array((line + "\n").utf8), to: STDOUT_FILENO)
}

/// Sleeps, and notes how much longer that took than it should.
///
/// - Returns: how much longer.
@discardableResult
func pause(_ time: Duration) -> Duration {
    guard time > .zero else { return .zero }
    let begin = ContinuousClock.now
    SystemCall.sleep(for: time)
    let lag = begin.duration(to: .now) - time
    Lag.note(lag)
    return lag
}

/// How long this machine lets a program wait that could go on. The daemon has the same nice value, and as much to wait.
enum Lag {
    private static let longest = Mutex(Duration.zero)

    static func note(_ lag: Duration) {
        longest.withLock { $0 = max($0, lag) }
    }

    /// The longest since the last time.
    static func take() -> Duration {
        longest.withLock { longest in
            defer { longest = .zero }
            return longest
        }
    }
}

/// How long threads were ready to run and had to wait for a processor (`/proc/PID/task/TID/schedstat`, in ns).
enum RunDelay {
    /// Of all threads that a process has.
    static func total(of process: pid_t) -> Duration {
        let directory = "/proc/\(process)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return threads.reduce(.zero) { sum, thread in
            let text = (try? String(contentsOfFile: "\(directory)/\(thread)/schedstat", encoding: .utf8)) ?? ""
            let fields = text.split(separator: " ")
            return sum + .nanoseconds(fields.count > 1 ? Int64(fields[1]) ?? 0 : 0)
        }
    }
}
