// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
package import SystemCalls
import SystemPackage

/// The driver's files that take its one lock: `console`, `mem_pool_*` and `remap_pool_*`.
///
/// Reading one waits as long as any command of any program lasts, which is seconds for a cell that does not answer, and
/// indefinitely for one that never does. They are therefore read on a thread of their own, which may hang; nobody else
/// waits for it. The thread ends with this object, as soon as it does not hang.
package final class LockedFiles: Sendable {
    /// What one pass over these files showed.
    package struct Reading: Sendable {
        /// When it was complete.
        package let at: ContinuousClock.Instant
        /// What the console has printed since the hypervisor was enabled, as far as it is kept (``ConsoleLog``). Where the
        /// device cannot be read: see ``HypervisorConsole/tail(directory:)``.
        package let console: String
        /// The end of ``console``, with all of ``added``.
        package let tail: String
        /// What was printed since the reading before.
        package let added: String
        /// The same, as the device gave it.
        package let news: ConsoleFollower.News
        package let pools: HypervisorView.Pools
        /// The root cell's name; nil while the hypervisor is disabled.
        package let rootCellName: String?

        package init(
            at: ContinuousClock.Instant, console: String, tail: String? = nil, added: String = "",
            news: ConsoleFollower.News = .init(state: .readable),
            pools: HypervisorView.Pools, rootCellName: String?
        ) {
            self.at = at
            self.console = console
            self.tail = tail ?? console
            self.added = added
            self.news = news
            self.pools = pools
            self.rootCellName = rootCellName
        }
    }

    /// At least this often the files are read while the hypervisor is enabled, whether or not somebody asks.
    package static let interval = Duration.seconds(1)
    /// And this often while somebody follows the console, or while it goes on printing: its ring is small.
    package static let followingInterval = ConsoleReader.pause

    private struct State {
        var waiting: [@Sendable (Reading) -> Void] = []
        var latest: Reading?
        var isEnding = false
        var isFollowed = false
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
        let bell = Bell()
        let directory: String
        let device: String
        let report: @Sendable (Reading) -> Void

        init(directory: String, device: String, report: @escaping @Sendable (Reading) -> Void) {
            self.directory = directory
            self.device = device
            self.report = report
        }
    }

    private let shared: Shared

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - directory: of the driver in sysfs.
    ///   - device: the driver's.
    ///   - precedence: of that thread.
    ///   - report: called on that thread with every reading, before those who asked for it.
    /// - Throws: ``SystemCallError`` when the system has no thread left.
    package init(
        directory: String = "/sys/devices/jailhouse", device: String = "/dev/jailhouse",
        precedence: Precedence = .none,
        report: @escaping @Sendable (Reading) -> Void = { _ in }
    ) throws(SystemCallError) {
        let shared = Shared(directory: directory, device: device, report: report)
        self.shared = shared
        let begin: @Sendable () -> Void = {
            try? precedence.take()
            Self.read(shared)
        }
        guard let thread = BackgroundThread(begin) else {
            throw SystemCallError(call: "pthread_create", errno: .resourceTemporarilyUnavailable)
        }
        thread.detach()
    }

    deinit {
        shared.state.withLock { $0.isEnding = true }
        shared.bell.ring()
    }

    /// The last complete reading; nil before the first.
    package var latest: Reading? { shared.state.withLock { $0.latest } }

    /// Begins a reading; one that is already under way does not count, as what is asked for may have come since.
    ///
    /// - Parameter done: called with it, on the thread that reads.
    package func read(_ done: @escaping @Sendable (Reading) -> Void = { _ in }) {
        shared.state.withLock { $0.waiting.append(done) }
        shared.bell.ring()
    }

    /// Whether somebody follows the console: it is read more often then.
    package func follow(_ isFollowed: Bool) {
        let changes = shared.state.withLock { state in
            defer { state.isFollowed = isFollowed }
            return state.isFollowed != isFollowed
        }
        if changes { shared.bell.ring() }
    }

    private static func read(_ shared: Shared) {
        let view = HypervisorView(directory: shared.directory)
        var follower = ConsoleFollower(device: shared.device)
        var log = ConsoleLog()
        // where the device cannot be read
        var lastTail = ""
        var isPrinting = false
        var wasEnabled = false
        while true {
            let isFollowed = shared.state.withLock(\.isFollowed)
            shared.bell.wait(atMost: isFollowed || isPrinting ? followingInterval : interval)
            let (isEnding, waiting) = shared.state.withLock { state in
                defer { state.waiting = [] }
                return (state.isEnding, state.waiting)
            }
            if isEnding { return }
            view.lookWhetherEnabled()
            // a disabled hypervisor is not read again and again; its last words are read at its end, and when somebody asks
            guard view.isEnabled || wasEnabled || !waiting.isEmpty else {
                isPrinting = false
                continue
            }
            wasEnabled = view.isEnabled
            let news = follower.read(isEnabled: view.isEnabled)
            isPrinting = !news.text.isEmpty
            let console: (whole: String, tail: String, added: String)
            if news.state == .readable || news.state == .disabled {
                log.add(news.text)
                console = (log.text, log.tail(with: news.text), news.text)
            } else {
                let tail = HypervisorConsole.tail(directory: shared.directory)
                console = (tail, tail, HypervisorConsole.news(before: lastTail, after: tail))
                lastTail = tail
            }
            let reading = Reading(
                at: .now, console: console.whole, tail: console.tail, added: console.added, news: news,
                pools: view.pools(), rootCellName: view.rootCellName)
            shared.state.withLock { $0.latest = reading }
            shared.report(reading)
            for done in waiting { done(reading) }
        }
    }
}
