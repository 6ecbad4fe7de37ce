// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import Supervision
import SystemdSupport

/// Notifications to systemd. Belongs to the ``Supervisor``, whose loop feeds the watchdog: so a loop that hangs is
/// noticed.
final class ServiceManager {
    private let watchdog: Duration?
    private var fed: Moment?
    private var told: String?

    init() {
        watchdog = watchdogInterval()
    }

    nonisolated static func isReady() { _ = Notification.send([.ready]) }
    nonisolated static func isReloading() { _ = Notification.send([.reloading]) }

    /// Announces that the daemon exits on purpose, so that it is not restarted.
    nonisolated static func isStopping() { _ = Notification.send([.stopping]) }

    func tell(_ status: String) {
        guard status != told else { return }
        told = status
        _ = Notification.send([.status(status)])
    }

    func isAlive(at now: Moment) {
        guard let watchdog else { return }
        if let fed, now - fed < watchdog / 3 { return }
        fed = now
        _ = Notification.send([.watchdog])
    }
}
