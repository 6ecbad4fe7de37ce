// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Glibc
import SystemCalls

/// Why a command ends without having done what it was asked: a sentence and an exit status.
struct CommandFailure: Error, Hashable {
    /// The exit statuses, documented in the help.
    enum Status: Int32 {
        case failed = 1
        case notRunning = 3
        case noSuchCell = 4
        case degraded = 5
        case silent = 6
        case wrongUsage = 64
        case noDaemon = 69
    }

    /// What the driver or the hypervisor answered to a command.
    struct Refusal: Hashable {
        let command: String
        /// Such as `EBUSY`.
        let errno: String
        let cell: String?
    }

    let status: Status
    /// What, where and what to do, as one line without a full stop; it may hold what the daemon sent.
    var message: String
    /// Nil: nothing was refused by them.
    var refusal: Refusal?

    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// Tells the message on standard error and ends the process.
    func end() -> Never {
        tell()
        exit(status.rawValue)
    }

    /// Tells the message on standard error.
    func tell() {
        let text = Text.printable(message, keepingLineBreaks: true)
        // there is nobody left to tell if standard error fails
        try? SystemCall.write(Array("jailhouse-ctl: \(text)\n".utf8), to: STDERR_FILENO)
    }
}

extension CommandFailure {
    /// - Parameter chosen: the user named the socket.
    init(_ error: ControlError, socketWasChosen chosen: Bool) {
        let question =
            chosen
            ? "is that the socket of a running jailhoused?"
            : "is jailhoused running? Try: systemctl status jailhoused"
        switch error {
        case .noSocket(let path):
            self.init(.noDaemon, "cannot reach the daemon: there is no socket \(path); \(question)")
        case .nobodyListens(let path):
            self.init(.noDaemon, "cannot reach the daemon: no process is listening on \(path); \(question)")
        case .disconnected:
            self.init(.noDaemon, "the daemon closed the connection; try: systemctl status jailhoused")
        case .notPermitted(let path) where chosen && path != Daemon.controlSocket:
            self.init(.failed, "permission denied: you may not use the socket \(path)")
        case .notPermitted:
            self.init(
                .failed,
                "permission denied: you are not in group jailhouse-admin; use sudo, or have yourself added "
                    + "(sudo usermod -aG jailhouse-admin $USER) and log in again")
        case .manager(.cellNotFound(_, _, let message)):
            self.init(.noSuchCell, message)
        case .manager(let error):
            self.init(.failed, error.message)
            if case .commandFailed(let cell, let command, let errno, let name, _) = error, errno > 0 {
                refusal = Refusal(command: command, errno: name, cell: cell)
            }
        case .service(.methodNotFound), .service(.methodNotImplemented), .service(.interfaceNotFound),
            .service(.invalidParameter):
            self.init(.failed, "\(error): is the running jailhoused of another version than this command?")
        case .noAnswer:
            self.init(
                .noDaemon,
                "the daemon does not answer; what it was asked may still be done. Try: systemctl status jailhoused")
        case .connection(let error):
            self.init(.noDaemon, "cannot reach the daemon: \(error)")
        case .malformed, .tooLong, .tooDeep, .unknown:
            self.init(.failed, "invalid reply from the daemon: \(error)")
        case .service(.permissionDenied), .service(.expectedMore):
            self.init(.failed, "\(error)")
        }
    }
}
