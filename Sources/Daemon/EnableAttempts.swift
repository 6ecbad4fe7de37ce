// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import FailureReports
import JailhouseInterface
import Supervision

/// What is known of the enable that was tried last, if it was refused.
struct EnableAttempts {
    /// Nil: it was not refused, or none was tried.
    private(set) var refused: Manager.RefusedEnable?
    /// What there was to read before; nil: nothing.
    private var consoleBefore: String?

    /// One is about to be tried. While the hypervisor is disabled nothing is printed.
    ///
    /// - Parameter console: what there is to read; nil: nothing.
    mutating func begin(console: String?) { consoleBefore = console }

    mutating func succeed() { refused = nil }

    /// - Parameters:
    ///   - error: what a client is told of the failure.
    ///   - at: in microseconds since 1970.
    ///   - console: what there is to read now; nil: nothing.
    mutating func fail(_ failure: FleetFailure, _ error: ManagerError, at: Int, console: String?) {
        guard case .machine(_, let refusal) = failure, refusal.errno != 0 else {
            refused = Manager.RefusedEnable(at: at, message: error.message)
            return
        }
        let errno = ErrnoName.of(refusal.errno)
        let lines = progress(errno: errno, console: console)?.lines ?? []
        refused = Manager.RefusedEnable(
            at: at, errnoName: errno, message: error.message, console: lines.isEmpty ? nil : lines)
    }

    /// How far the enable came that has just been refused, as far as the console says; nil: it says nothing of it.
    func progress(errno: String, console: String?) -> RefusedEnable? {
        guard let console, let enable = ConsoleText(console).refusedEnable else { return nil }
        if console != consoleBefore { return enable }
        // a machine says the same each time, and the driver itself refuses without a word of the hypervisor's
        return refused?.console == enable.lines && refused?.errnoName == errno ? enable : nil
    }
}
