import CellMachine

/// What stands below `/sys/devices/jailhouse` (driver/sysfs.c), as text.
package struct SysfsTree: Hashable, Sendable {
    /// The attributes of the device itself.
    package var attributes: [String: String] = [:]
    /// What stands in `/sys/devices/system/cpu`.
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
    /// What Linux shows at this moment, with the faults that are in force. Nobody can look while the machine
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
                "enabled": isEnabled ? "1\n" : "0\n",
                "console": String(decoding: console.contents, as: UTF8.self),
                "mem_pool_size": "\(pools.memorySize)\n",
                "mem_pool_used": "\(pools.memoryUsed)\n",
                "remap_pool_size": "\(pools.remapSize)\n",
                "remap_pool_used": "\(pools.remapUsed)\n",
            ],
            processors: [
                "online": CPUText.list(onlineCPUs) + "\n",
                "offline": CPUText.list(Set(0..<settings.cpus).subtracting(onlineCPUs)) + "\n",
                "present": CPUText.list(Set(0..<settings.cpus)) + "\n",
                "possible": CPUText.list(Set(0..<settings.cpus)) + "\n",
            ],
            cells: cells.map { cell in
                SysfsTree.Cell(
                    id: cell.id, incarnation: cell.incarnation,
                    attributes: cell.attributes(of: settings.cpus))
            }
        )
    }
}

extension Cell {
    fileprivate func attributes(of machineCPUs: Int) -> [String: String] {
        var attributes = [
            "name": "\(name)\n",
            "state": "\(state.text)\n",
            "cpus_assigned": CPUText.mask(cpus, width: machineCPUs) + "\n",
            "cpus_assigned_list": CPUText.list(cpus) + "\n",
            "cpus_failed": CPUText.mask(failedCPUs, width: machineCPUs) + "\n",
            "cpus_failed_list": CPUText.list(failedCPUs) + "\n",
        ]
        // the hypervisor counts for a CPU, and the driver adds up those that are the cell's now
        var sum = ExitStatistics()
        for cpu in cpus {
            let statistics = phase == .present ? statistics(of: cpu) : ExitStatistics()
            sum = sum + statistics
            Cell.add(statistics, to: &attributes, in: "statistics/cpu\(cpu)/")
        }
        Cell.add(sum, to: &attributes, in: "statistics/")
        return attributes
    }

    private static func add(_ statistics: ExitStatistics, to attributes: inout [String: String], in path: String) {
        attributes[path + "vmexits_total"] = "\(statistics.total)\n"
        for reason in VMExit.allCases {
            attributes[path + "vmexits_" + reason.rawValue] = "\(statistics[reason])\n"
        }
    }
}

/// Sets of CPUs as the kernel writes them.
enum CPUText {
    /// `3-5,8`; empty for none.
    static func list(_ cpus: Set<Int>) -> String {
        var runs: [ClosedRange<Int>] = []
        for cpu in cpus.sorted() {
            if let last = runs.last, last.upperBound + 1 == cpu {
                runs[runs.count - 1] = last.lowerBound...cpu
            } else {
                runs.append(cpu...cpu)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    /// Hexadecimal, as many digits as `width` CPUs need, a comma every 32 CPUs.
    static func mask(_ cpus: Set<Int>, width: Int) -> String {
        let digits = max(1, (width + 3) / 4)
        var text = ""
        for digit in (0..<digits).reversed() {
            let bits = (0..<4).reduce(0) { $0 | (cpus.contains(digit * 4 + $1) ? 1 << $1 : 0) }
            text += String(bits, radix: 16)
            if digit % 8 == 0 && digit > 0 { text += "," }
        }
        return text
    }
}
