// SPDX-License-Identifier: Apache-2.0

package import JailhouseInterface

/// Whether and how long the hypervisor waits, with Linux standing still, for the inmate to answer a shutdown request.
package enum Handshake: Hashable, Sendable, Codable {
    /// The cell is never asked (`PASSIVE_COMMREG`).
    case passive
    /// It is asked, and the wait has an end (`msg_reply_timeout` is not 0).
    case bounded
    /// It is asked, and the wait has no limit: an inmate that hangs also hangs Linux.
    /// - accepted: its definition says `accept-unbounded-handshake = true`.
    case unbounded(accepted: Bool)

    /// Whether a command that asks a cell in `state` to shut down is permitted.
    ///
    /// - Parameter silent: the inmate is known not to answer, so that an unbounded wait *would* freeze Linux;
    ///   that is never permitted, accepted or not.
    package func permitsAsking(_ state: CellState, silent: Bool) -> Bool {
        guard case .unbounded(let accepted) = self, state.isAskedToShutDown else { return true }
        return accepted && !silent
    }
}

/// The result of the last shutdown request.
package enum ShutdownAnswer: String, Hashable, Sendable, Codable {
    case approved
    case denied
    /// The inmate did not answer within `msg_reply_timeout`; the hypervisor stopped it all the same.
    case timedOut = "timed-out"
    /// Its region is passive, or it had ended already.
    case notAsked = "not-asked"
}
