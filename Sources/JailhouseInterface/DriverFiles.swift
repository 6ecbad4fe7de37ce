// SPDX-License-Identifier: Apache-2.0

/// Where the driver shows itself, and the names below (Documentation/sysfs-entries.txt of Jailhouse).
package enum DriverFiles {
    package static let device = "/dev/jailhouse"
    package static let sysfs = "/sys/devices/jailhouse"

    /// In ``sysfs``.
    package static let enabled = "enabled"
    package static let console = "console"
    /// What a counter reads as where the hypervisor has none at that moment: a cell's that comes or goes, on Arm.
    package static let noNumber: UInt64 = 0xbadca11
    package static let cells = "cells"
    package static let memoryPoolSize = "mem_pool_size"
    package static let memoryPoolUsed = "mem_pool_used"
    package static let remapPoolSize = "remap_pool_size"
    package static let remapPoolUsed = "remap_pool_used"

    /// Bytes that ``console`` shows at the most: the hypervisor's ring.
    package static let consoleCapacity = 2048

    /// Files whose reading takes the driver's one lock: it waits as long as any command of anybody lasts.
    package static let locked = [console, memoryPoolSize, memoryPoolUsed, remapPoolSize, remapPoolUsed]

    /// In `cells/<id>`.
    package enum Cell {
        package static let name = "name"
        package static let state = "state"
        package static let assignedCPUs = "cpus_assigned"
        package static let assignedCPUList = "cpus_assigned_list"
        package static let failedCPUs = "cpus_failed"
        package static let failedCPUList = "cpus_failed_list"
        package static let statistics = "statistics"

        /// A counter in `statistics` or `statistics/cpu<n>`.
        package static func counter(_ reason: String) -> String { "vmexits_\(reason)" }
        package static let totalExits = counter("total")
        package static let managementExits = counter("management")

        /// The files of `cells/0` that may be read: each of the others is a hypercall, which oopses Linux when it meets
        /// a disable, because the driver removes `cells/0` after the CPUs have left the hypervisor.
        package static let safeInRootCell = [name, assignedCPUs, assignedCPUList]
    }

    /// Of the root cell, which is Linux.
    package static let rootCellID = 0
}
