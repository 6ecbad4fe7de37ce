// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellMachine
import JailhouseInterface

/// The contents of `/sys/devices/jailhouse` (driver/sysfs.c), as text.
package struct SysfsTree: Hashable, Sendable {
    /// The attributes of the device itself.
    package var attributes: [String: String] = [:]
    /// The contents of `/sys/devices/system/cpu`.
    package var processors: [String: String] = [:]
    package var cells: [Cell] = []

    package struct Cell: Hashable, Sendable {
        package var id: Int
        /// A new one for each cell that was ever created: an id is used again.
        package var incarnation: UInt64
        /// By their paths below `cells/ID/`.
        package var attributes: [String: String]
    }
}

extension Machine {
    /// What the hypervisor tells cells.
    var hypervisorNumbers: HypervisorNumbers {
        HypervisorNumbers(
            memoryPages: pools.memorySize, memoryUsed: pools.memoryUsed, remapPages: pools.remapSize,
            remapUsed: pools.remapUsed, cells: cells.count { $0.phase == .present }, cpus: settings.cpus)
    }

    /// What Linux shows at this moment, with the faults that are in force. Nothing can be read while the machine
    /// ``standsStill``.
    package var sysfs: SysfsTree {
        var tree = trueSysfs
        for fault in faults.sysfs { fault.apply(to: &tree, named: cellNames) }
        return tree
    }

    /// What it would show without faults.
    var trueSysfs: SysfsTree {
        let pools = pools
        return SysfsTree(
            attributes: [
                DriverFiles.enabled: isEnabled ? "1\n" : "0\n",
                DriverFiles.console: String(decoding: console.contents, as: UTF8.self),
                DriverFiles.memoryPoolSize: "\(pools.memorySize)\n",
                DriverFiles.memoryPoolUsed: "\(pools.memoryUsed)\n",
                DriverFiles.remapPoolSize: "\(pools.remapSize)\n",
                DriverFiles.remapPoolUsed: "\(pools.remapUsed)\n",
            ],
            processors: [
                "online": CPUList.text(onlineCPUs) + "\n",
                "offline": CPUList.text(Set(0..<settings.cpus).subtracting(onlineCPUs)) + "\n",
                "present": CPUList.text(Set(0..<settings.cpus)) + "\n",
                "possible": CPUList.text(Set(0..<settings.cpus)) + "\n",
            ],
            cells: cells.map { cell in
                SysfsTree.Cell(
                    id: cell.id, incarnation: cell.incarnation,
                    attributes: cell.attributes(of: settings))
            }
        )
    }
}

extension Cell {
    fileprivate func attributes(of settings: MachineSettings) -> [String: String] {
        let machineCPUs = settings.cpus
        let reasons = settings.architecture == .x86 ? ExitReason.x86 : ExitReason.arm64
        var attributes = [
            DriverFiles.Cell.name: "\(name)\n",
            DriverFiles.Cell.state: "\(state.text)\n",
            DriverFiles.Cell.assignedCPUs: CPUList.mask(cpus, width: machineCPUs) + "\n",
            DriverFiles.Cell.assignedCPUList: CPUList.text(cpus) + "\n",
            DriverFiles.Cell.failedCPUs: CPUList.mask(failedCPUs, width: machineCPUs) + "\n",
            DriverFiles.Cell.failedCPUList: CPUList.text(failedCPUs) + "\n",
        ]
        // the hypervisor counts for a CPU, and the driver adds up those that are the cell's now
        var sum = ExitStatistics()
        for cpu in cpus {
            // on Arm64 they are Linux's until the CPU is the cell's, and again before it is not
            let others = settings.architecture == .x86 ? ExitStatistics() : ExitStatistics([.mmio: 123_456])
            let statistics = phase == .present ? statistics(of: cpu) : others
            sum = sum + statistics
            Cell.add(statistics, reasons, to: &attributes, in: "statistics/cpu\(cpu)/")
        }
        Cell.add(sum, reasons, to: &attributes, in: "statistics/")
        return attributes
    }

    private static func add(
        _ statistics: ExitStatistics, _ reasons: [ExitReason], to attributes: inout [String: String], in path: String
    ) {
        attributes[path + DriverFiles.Cell.totalExits] = "\(statistics.total)\n"
        for reason in reasons {
            attributes[path + DriverFiles.Cell.counter(reason.rawValue)] = "\(statistics[reason])\n"
        }
    }
}
