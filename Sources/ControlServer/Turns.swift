// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets a few callers run at the same time; the others wait in the order of their arrival.
package final class Turns: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// Time that was used, and not yet followed by a rest.
        var used = Duration.zero
    }

    private let state: Mutex<State>
    private let rests: Bool

    /// Pauses are not shorter than this: timers are not that exact.
    private static let shortestRest = Duration.milliseconds(1)

    /// - Parameter rests: after each turn, as much time passes as it took before the next one begins: all turns together
    ///   use at most half of the time.
    package init(_ atATime: Int, rests: Bool = false) {
        state = Mutex(State(free: atATime))
        self.rests = rests
    }

    /// Runs `body` when it is its turn.
    package func take<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        await begin()
        let start = ContinuousClock.now
        defer {
            if let rest = rest(after: ContinuousClock.now - start) {
                Task {
                    try? await Task.sleep(for: rest)
                    end()
                }
            } else {
                end()
            }
        }
        return try await body()
    }

    private func rest(after time: Duration) -> Duration? {
        guard rests else { return nil }
        return state.withLock { state in
            state.used += time
            guard state.used >= Self.shortestRest else { return nil }
            defer { state.used = .zero }
            return state.used
        }
    }

    private func begin() async {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if goesOn { continuation.resume() }
        }
    }

    private func end() {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
