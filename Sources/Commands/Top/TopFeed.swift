// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Synchronization
import SystemCalls
import SystemPackage

/// Asks the daemon for samples over one connection.
struct TopSource {
    private let client: ControlClient
    /// The last failures, and what was known of the cell when they were asked for: they are asked for again only when
    /// something has happened to it.
    private var failures: [String: (known: Manager.Cell, last: Manager.Failure?)] = [:]

    init(_ client: ControlClient) {
        self.client = client
    }

    mutating func sample() throws(ControlError) -> TopSample {
        let list = try client.call(Manager.List.self)
        var sample = TopSample(machine: list.machine, cells: list.cells, at: .now)
        for cell in list.cells {
            do throws(ControlError) {
                if cell.id != nil {
                    sample.statistics[cell.name] = try client.call(
                        Manager.Statistics.self, .init(cell: cell.name)
                    ).statistics
                }
                if failures[cell.name]?.known != cell {
                    let all = try client.call(Manager.Failures.self, .init(cell: cell.name)).failures
                    failures[cell.name] = (cell, all.last)
                }
            } catch {
                // it was forgotten meanwhile, or nobody can type its name
                guard case .manager = error else { throw error }
            }
            sample.failures[cell.name] = failures[cell.name]?.last
        }
        sample.at = .now
        return sample
    }
}

/// Samples that are asked for on a thread of their own: a daemon that does not answer must not keep a key from working.
final class TopFeed: Sendable {
    typealias Outcome = Result<TopSample, CommandFailure>

    private let shared: Shared

    private final class Shared: Sendable {
        let outcome = Mutex<Outcome?>(nil)
        let bell = Bell()
        let news: Doorbell

        init() throws(SystemCallError) { news = try Doorbell() }
    }

    /// Starts the thread.
    ///
    /// - Parameter connect: called on it.
    init(_ connect: @escaping @Sendable () -> Result<TopSource, CommandFailure>, socketWasChosen: Bool)
        throws(SystemCallError)
    {
        let shared = try Shared()
        self.shared = shared
        let thread = BackgroundThread {
            switch connect() {
            case .failure(let failure): shared.outcome.withLock { $0 = .failure(failure) }
            case .success(var source):
                while true {
                    let outcome: Outcome
                    do throws(ControlError) { outcome = .success(try source.sample()) } catch {
                        outcome = .failure(CommandFailure(error, socketWasChosen: socketWasChosen))
                    }
                    shared.outcome.withLock { $0 = outcome }
                    shared.news.ring()
                    if case .failure = outcome { return }
                    shared.bell.wait(atMost: nil)
                }
            }
            shared.news.ring()
        }
        guard let thread else {
            throw SystemCallError(call: "pthread_create", errno: .resourceTemporarilyUnavailable)
        }
        thread.detach()
    }

    /// Readable when there is something to take.
    var descriptor: CInt { shared.news.descriptor }

    /// Has the next sample taken.
    func ask() { shared.bell.ring() }

    /// What came since the last call.
    func take() -> Outcome? {
        shared.news.clear()
        return shared.outcome.withLock { outcome in
            defer { outcome = nil }
            return outcome
        }
    }
}
