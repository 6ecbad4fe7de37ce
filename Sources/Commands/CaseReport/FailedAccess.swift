// SPDX-License-Identifier: Apache-2.0

import ConfigurationRules
import ControlInterface
import FailureReports

/// The address at which a cell failed, for the map.
struct FailedAccess {
    let cell: String
    let address: UInt64
    let size: UInt64
    /// `failed write`
    let text: String
    /// What the failure means.
    let summary: String

    /// Nil for a failure that has no address in memory.
    init?(_ failure: Manager.Failure, of cell: String) {
        let deaths = ConsoleText(failure.console.joined(separator: "\n")).deaths
        guard let violation = deaths.first(where: { $0.cell == cell })?.violation else { return nil }
        switch violation {
        case .memory(let access, let address, let size), .dataAbort(let access, let address, let size):
            self.address = address
            self.size = max(1, size)
            text = "failed \(access.rawValue)"
        case .unsupportedInstruction(_, let trapped?), .inconsistentAccess(let trapped?), .pagingMode(let trapped?):
            address = trapped.address
            size = 1
            text = "failed \(trapped.access.rawValue)"
        case .instructionAbort(let address):
            self.address = address
            size = 1
            text = "failed jump"
        default: return nil
        }
        self.cell = cell
        summary = violation.explanation().summary
    }
}
