import ControlInterface
import Logging
import NIOPosix
import Supervision

extension Supervisor {
    /// Reads all definitions again. What is broken is named, and an earlier usable definition of it stays in force.
    ///
    /// One after the other; many and large files are read on a thread of their own.
    func reload() async -> Manager.Reload.Reply {
        let earlier = lastReload
        let task = Task {
            _ = await earlier?.value
            return await readAgain()
        }
        lastReload = task
        return await task.value
    }

    private func readAgain() async -> Manager.Reload.Reply {
        serviceManager.isReloading()
        defer { serviceManager.isReady() }
        let files = files
        let inForce = book.cells.values.compactMap(\.definition)
        guard let fresh = try? await checkThread.runIfActive({ files.load(inForce: inForce) }), !fleet.isEnding else {
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
            read the definitions again: \(reply.added.count) added, \(reply.changed.count) changed, \
            \(reply.removed.count) removed, \(reply.problems.count) refused
            """)
        poll()
        return reply
    }
}
