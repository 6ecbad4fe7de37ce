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
        /// See ``HypervisorConsole/tail(directory:)``.
        package let console: String
        package let pools: HypervisorView.Pools
        /// The root cell's name; nil while the hypervisor is disabled.
        package let rootCellName: String?

        package init(
            at: ContinuousClock.Instant, console: String, pools: HypervisorView.Pools, rootCellName: String?
        ) {
            self.at = at
            self.console = console
            self.pools = pools
            self.rootCellName = rootCellName
        }
    }

    /// At least this often the files are read while the hypervisor is enabled, whether or not somebody asks.
    package static let interval = Duration.seconds(1)

    private struct State {
        var waiting: [@Sendable (Reading) -> Void] = []
        var latest: Reading?
        var isEnding = false
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
        let bell = Bell()
        let directory: String
        let report: @Sendable (Reading) -> Void

        init(directory: String, report: @escaping @Sendable (Reading) -> Void) {
            self.directory = directory
            self.report = report
        }
    }

    private let shared: Shared

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - report: called on that thread with every reading, before those who asked for it.
    /// - Throws: ``SystemCallError`` when the system has no thread left.
    package init(
        directory: String = "/sys/devices/jailhouse", report: @escaping @Sendable (Reading) -> Void = { _ in }
    ) throws(SystemCallError) {
        let shared = Shared(directory: directory, report: report)
        self.shared = shared
        guard let thread = BackgroundThread({ Self.read(shared) }) else {
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

    private static func read(_ shared: Shared) {
        let view = HypervisorView(directory: shared.directory)
        while true {
            shared.bell.wait(atMost: interval)
            let (isEnding, waiting) = shared.state.withLock { state in
                defer { state.waiting = [] }
                return (state.isEnding, state.waiting)
            }
            if isEnding { return }
            view.lookWhetherEnabled()
            // a disabled hypervisor is not read again and again; its last words are read when somebody asks
            guard view.isEnabled || !waiting.isEmpty else { continue }
            let console = HypervisorConsole.tail(directory: shared.directory)
            let reading = Reading(
                at: .now, console: console, pools: view.pools(), rootCellName: view.rootCellName)
            shared.state.withLock { $0.latest = reading }
            shared.report(reading)
            for done in waiting { done(reading) }
        }
    }
}
