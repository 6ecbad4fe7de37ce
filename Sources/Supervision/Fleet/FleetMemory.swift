// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface

/// What only the daemon knows of the machine, kept in its state file so that its successor goes on where it ended.
package struct FleetMemory: Hashable, Sendable, Codable {
    /// The hypervisor was disabled on request: it is not enabled again until that is requested.
    package var isDisabledByRequest = false
    package var cells: [String: LifecycleMemory] = [:]
    /// The cell that was started last at the end.
    package var startOrder: [String] = []
    /// Cells that were considered dead when the end of the machine was requested, and were not started since.
    package var silentCells: Set<String> = []
    /// While the hypervisor is enabled they stay so.
    package var lostCPUs = LostCPUs()
    /// All was shut down for the end of the machine, and this is the first daemon since: `autostart` decides, as after a
    /// boot.
    package var beginsAnew = false
    /// What an earlier daemon of this boot knew is lost: existing cells are taken for its own.
    package var isLost = false

    package init() {}
}
