// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ControlInterface
import NIOPosix
import Supervision

/// Work that many may ask for: one run at a time, and those who ask before a run has begun share it.
actor SharedRuns<Value: Sendable> {
    private let body: @Sendable () async -> Value
    private var last: Task<Value, Never>?
    /// One that has not begun.
    private var waiting: Task<Value, Never>?

    init(_ body: @escaping @Sendable () async -> Value) {
        self.body = body
    }

    /// Returns the result of a run that begins after this call.
    func run() async -> Value {
        await next().value
    }

    /// The same, without waiting for it.
    func runSoon() {
        _ = next()
    }

    private func next() -> Task<Value, Never> {
        if let waiting { return waiting }
        let earlier = last
        let task = Task {
            _ = await earlier?.value
            waiting = nil
            return await body()
        }
        last = task
        waiting = task
        return task
    }
}

/// Reads the configuration directory again, on a thread of its own. Definitions that cannot be used are reported, and
/// their earlier versions remain in force.
typealias Reloads = SharedRuns<DefinitionChanges>

extension SharedRuns where Value == DefinitionChanges {
    /// - Parameter files: the directory.
    init(of supervisor: Supervisor, _ files: DefinitionFiles) {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        self.init {
            ServiceManager.isReloading()
            defer { ServiceManager.isReady() }
            let inForce = await supervisor.definitionsInForce
            let fresh = try? await thread.runIfActive { files.load(inForce: inForce) }
            guard let fresh, let changes = await supervisor.take(fresh) else {
                return DefinitionChanges(problems: [Refusal.daemonEnds.message])
            }
            return changes
        }
    }
}
