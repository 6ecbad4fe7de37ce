// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import JailhouseInterface
import Logging
import NIOPosix
import Supervision

extension Supervisor {
    /// Reads all definitions again. Those that cannot be used are reported, and their earlier versions remain in force.
    ///
    /// One reload at a time, on a thread of its own. Requests that come before it has begun share it.
    func reload() async -> Manager.Reload.Reply {
        if let waitingReload { return await waitingReload.value }
        let earlier = lastReload
        let task = Task {
            _ = await earlier?.value
            waitingReload = nil
            return await readAgain()
        }
        lastReload = task
        waitingReload = task
        return await task.value
    }

    /// Does not wait for the reload.
    func reloadSoon() {
        guard waitingReload == nil else { return }
        Task { await self.reload() }
    }

    private func readAgain() async -> Manager.Reload.Reply {
        serviceManager.isReloading()
        defer { serviceManager.isReady() }
        let files = files
        let inForce = book.cells.values.compactMap(\.definition)
        guard let fresh = try? await reloadThread.runIfActive({ files.load(inForce: inForce) }), !fleet.isEnding else {
            return Manager.Reload.Reply(problems: [Refusal.daemonEnds.message])
        }
        return take(fresh)
    }

    private func take(_ fresh: LoadedDefinitions) -> Manager.Reload.Reply {
        let now = Clock.now()
        let (reply, events) = book.take(fresh, fleet, failures: record.failures)
        for name in reply.removed { record.failures[name] = nil }
        for event in events { handle(event, at: now) }
        journal.tell(fresh)
        if fresh.areSettingsUsable {
            settings.settings = fresh.settings
            if fresh.isSystemUsable { settings.system = fresh.system }
        }
        settings.definitions = fresh.definitions
        logger.notice(
            """
            reloaded the definitions: \(reply.added.count) added, \(reply.changed.count) changed, \
            \(reply.removed.count) removed, \(reply.problems.count) refused
            """)
        poll()
        return reply
    }
}
