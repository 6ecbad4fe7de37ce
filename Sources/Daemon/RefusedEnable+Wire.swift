// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import FailureReports
import JailhouseInterface
import Supervision

extension Manager.RefusedEnable {
    /// - Parameters:
    ///   - error: what a client is told of the failure.
    ///   - console: how far it came.
    init(_ failure: FleetFailure, _ error: ManagerError, at: Int, console: FailureReports.RefusedEnable?) {
        guard case .machine(_, let refusal) = failure, refusal.errno != 0 else {
            self.init(at: at, message: error.message)
            return
        }
        let errno = ErrnoName.of(refusal.errno)
        let lines = console?.lines ?? []
        self.init(
            at: at, errnoName: errno, message: error.message, console: lines.isEmpty ? nil : lines)
    }
}
