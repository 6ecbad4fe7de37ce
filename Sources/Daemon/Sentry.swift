// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Supervision
import Synchronization
import SystemCalls

/// Compares what the hypervisor shows with a still picture, again and again, on a thread of its own: while nothing happens
/// the supervisor sleeps. It knows no cell and decides nothing; when something has changed, it calls.
///
/// One comparison allocates nothing. The thread ends with this object.
final class Sentry: Sendable {
    /// What it compares, from when on, and how often.
    private struct Orders {
        let picture: StillPicture
        let first: Moment
        let interval: Duration
    }

    private struct State {
        /// Nil: it waits.
        var orders: Orders?
        /// Counts the changes of ``orders``.
        var number = 0
        var isEnding = false
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
        let bell = Bell()
        let call: @Sendable () -> Void

        init(_ call: @escaping @Sendable () -> Void) {
            self.call = call
        }
    }

    private let shared: Shared

    /// Starts the thread; nil when the system has none left.
    ///
    /// - Parameters:
    ///   - precedence: of the thread.
    ///   - call: called on that thread when something has changed; nothing is compared then until the next
    ///     ``watch(_:from:every:)``.
    init?(precedence: Precedence = .none, call: @escaping @Sendable () -> Void) {
        let shared = Shared(call)
        self.shared = shared
        let begin: @Sendable () -> Void = {
            try? precedence.take()
            Self.watch(shared)
        }
        guard let thread = BackgroundThread(begin) else { return nil }
        thread.detach()
    }

    deinit {
        shared.state.withLock { $0.isEnding = true }
        shared.bell.ring()
    }

    /// Compares from then on.
    func watch(_ picture: StillPicture, from first: Moment, every interval: Duration) {
        order(Orders(picture: picture, first: first, interval: interval))
    }

    /// Compares nothing any more.
    func rest() {
        // most often it rests already
        if shared.state.withLock({ $0.orders != nil }) { order(nil) }
    }

    private func order(_ orders: Orders?) {
        shared.state.withLock { state in
            state.orders = orders
            state.number += 1
        }
        shared.bell.ring()
    }

    private static func watch(_ shared: Shared) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: StillPicture.bufferSize, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let (orders, number, isEnding) = shared.state.withLock { ($0.orders, $0.number, $0.isEnding) }
            if isEnding { return }
            guard let orders else {
                shared.bell.wait(atMost: nil)
                continue
            }
            if isStill(orders, number, shared, buffer) { continue }
            let isTheirs = shared.state.withLock { state in
                guard state.number == number else { return false }
                state.orders = nil
                return true
            }
            if isTheirs { shared.call() }
        }
    }

    /// Compares until something has changed: false; or until there are other orders.
    private static func isStill(
        _ orders: Orders, _ number: Int, _ shared: Shared, _ buffer: UnsafeMutableRawBufferPointer
    ) -> Bool {
        var next = orders.first
        while true {
            let now = Clock.now()
            if now < next {
                shared.bell.wait(atMost: next - now)
                if shared.state.withLock({ $0.number != number || $0.isEnding }) { return true }
                continue
            }
            if !orders.picture.isStill(buffer) { return false }
            // after a pause of the whole machine no comparison is made up for
            next = max(next + orders.interval, now)
        }
    }
}

/// When the supervisor need not look: nothing can follow but from a change, and a sentry watches for one.
struct Rest {
    /// How long nobody looks while nothing changes: names are read, and the watchdog is fed, by looks.
    static let length = Duration.milliseconds(500)
    /// While the fleet is not at rest, this often it is asked whether it is.
    private static let restlessness = Duration.milliseconds(100)

    /// Nil: the supervisor looks by itself.
    private let sentry: Sentry?
    /// The fleet is not asked again before.
    private var next = Moment(nanoseconds: 0)

    init() { sentry = nil }

    /// - Parameters:
    ///   - precedence: of the thread that compares.
    ///   - call: called on another thread when something has changed.
    init(precedence: Precedence, call: @escaping @Sendable () -> Void) {
        sentry = Sentry(precedence: precedence, call: call)
    }

    /// - Parameters:
    ///   - isPossible: nothing else is to be done.
    ///   - interval: at which the sentry compares.
    /// - Returns: whether the next look can wait for ``length``.
    mutating func begins(
        _ isPossible: Bool, _ fleet: Fleet, _ view: HypervisorView, every interval: Duration, at now: Moment
    ) -> Bool {
        guard let sentry else { return false }
        guard isPossible, now >= next else {
            sentry.rest()
            return false
        }
        guard fleet.isAtRest(at: now), let picture = view.stillPicture() else {
            next = now + Self.restlessness
            sentry.rest()
            return false
        }
        sentry.watch(picture, from: now + interval, every: interval)
        return true
    }
}
