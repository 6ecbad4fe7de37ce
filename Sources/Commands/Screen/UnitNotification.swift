// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemCalls

/// What a unit whose process this is tells the service manager, by the protocol of sd_notify(3).
///
/// libsystemd does the same, and brings six more libraries into each command, which takes longer than most of them do.
enum UnitNotification {
    /// Does nothing where no service manager asked for it: `$NOTIFY_SOCKET` is not set. A failure is nothing that a
    /// command should stop for.
    ///
    /// - Parameter status: one line for `systemctl status`.
    static func send(isReady: Bool = false, status: String) {
        guard let address = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }) else { return }
        // a line break would begin another assignment
        let line = String(status.map { $0.isNewline ? " " : $0 })
        let message = (isReady ? "READY=1\n" : "") + "STATUS=" + line
        try? SystemCall.send(Array(message.utf8), toDatagramSocket: address)
    }
}
