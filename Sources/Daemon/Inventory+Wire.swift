// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ConfigurationRules
import ControlInterface
import FailureReports
import Hypervisor
import JailhouseInterface
import Supervision

// What is known of the machine and all cells, as clients see it.

extension Timings {
    var onWire: [Manager.Timing] {
        let times = commands.sorted { $0.key < $1.key }.map {
            Manager.Timing($0.key.command, $0.value, result: $0.key.result.rawValue)
        }
        return lateness.count == 0 ? times : [Manager.Timing("poll-lateness", lateness)] + times
    }
}

extension Manager.Timing {
    fileprivate init(_ name: String, _ sum: Timings.Sum, result: String? = nil) {
        self.init(
            of: name, count: sum.count, total: sum.total.microseconds, longest: sum.longest.microseconds, result: result
        )
    }
}

extension Manager.LostCPU {
    fileprivate init(_ loss: CPULosses.Loss) {
        self.init(
            cpu: loss.cpu, cell: loss.cell, stopped: loss.isStopped, reason: loss.reason, meaning: loss.meaning,
            console: loss.console.isEmpty ? nil : loss.console)
    }
}

extension [String: [String: Int]] {
    fileprivate var onWire: [Manager.RefusalCount] {
        sorted { $0.key < $1.key }.flatMap { command, counts in
            counts.sorted { $0.key < $1.key }
                .map { Manager.RefusalCount(command: command, errno: $0.key, count: $0.value) }
        }
    }
}

// MARK: - The inventory

extension Inventory {
    func list() -> Manager.List.Reply {
        let pools = fleet.isEnabled ? reading?.pools ?? HypervisorView.Pools() : HypervisorView.Pools()
        let parked = losses.filter { !$0.isStopped }.map(\.cpu)
        let machine = Manager.Machine(
            enabled: fleet.isEnabled, system: system?.path, driver: fleet.hasDriver,
            version: Product.version, memPoolSize: pools.memorySize, memPoolUsed: pools.memoryUsed,
            remapPoolSize: pools.remapSize, remapPoolUsed: pools.remapUsed,
            enabling: fleet.isGoingToEnable, poolsAge: reading.map { $0.at.duration(to: .now).microseconds },
            lostCpus: parked.isEmpty ? nil : parked,
            deviceFaults: deviceFaults.counts.isEmpty ? nil : deviceFaults.counts.map(Manager.DeviceFault.init),
            inForce: systemInForce.flatMap {
                $0.path == system?.path && $0.isSame(as: system) ? nil : $0.path
            }, timings: timings.onWire, losses: losses.isEmpty ? nil : losses.map(Manager.LostCPU.init),
            refusedEnable: fleet.isEnabled ? nil : refusedEnable,
            deviceFaultOverflows: deviceFaults.overflows == 0 ? nil : deviceFaults.overflows,
            refusals: refusals.isEmpty ? nil : refusals.onWire)
        let known = names.compactMap { shown($0)?.onWire } + fleet.nameless.map { Manager.Cell($0, cpus: cpus(of: $0)) }
        return Manager.List.Reply(machine: machine, cells: known.sorted { $0.name < $1.name })
    }

    func describe(_ name: String) throws -> Manager.Details {
        if let cell = fleet.nameless.first(where: { $0.label == name }) {
            return Manager.Details(cell, cpus: cpus(of: cell))
        }
        var details = try known(name).details(statistics: statistics)
        details.failureCounts = failureCounts[name]?.sorted { $0.key < $1.key }
            .map { Manager.FailureCount(kind: $0.key, count: $0.value) }
        details.outdated = try known(name).isOutdated ? true : nil
        details.hint = pulses.hint(of: name)?.text
        let faults = deviceFaults.counts.filter { $0.cell == name }
        details.deviceFaults = faults.isEmpty ? nil : faults.map(Manager.DeviceFault.init)
        return details
    }

    func statistics(_ name: String) throws -> [Manager.Statistic] {
        _ = try known(name)
        return statistics.map { Manager.Statistic(name: $0.name, value: Int(clamping: $0.value)) }
    }

    func failures(_ name: String) throws -> [Manager.Failure] {
        try known(name).managed.failures.map(\.onWire)
    }

    func region(_ name: String) throws -> Manager.Region {
        guard let region = try known(name).region(platform: (systemInForce ?? system)?.descriptor.platform) else {
            throw error(.cell(name, .foreign))
        }
        return region
    }

    /// Every cell as it is, or one, for those who begin to watch.
    func changes(of name: String?) throws -> [Manager.Change] {
        if let name { return [try known(name).asChange] }
        return names.sorted().compactMap { shown($0)?.asChange }
    }

    /// - Parameter unanswered: how long Linux was stalled because the inmate did not answer; nil when that was not so.
    func reply(about name: String, unanswered: Duration?) -> Manager.CellReply {
        // it may have been forgotten meanwhile
        let cell = shown(name) ?? ShownCell(ManagedCell(name), nil, assignedCPUs: [])
        return Manager.CellReply(cell: cell.onWire, unanswered: unanswered)
    }

    /// Why nothing will follow from the end of a cell's operating system; nil: something will.
    func replyAboutEnd(of name: String) -> String? {
        let lifecycle = shown(name)?.lifecycle
        if lifecycle?.supervised == nil { return "the cell has no definition, and is not supervised" }
        return lifecycle?.isUp == true ? nil : "the cell does not run"
    }

    /// After a sign of life, or word that there was none.
    func replyAboutLife(of name: String) -> Manager.CellReply {
        let cell = shown(name) ?? ShownCell(ManagedCell(name), nil, assignedCPUs: [])
        let message =
            if cell.lifecycle.supervised == nil {
                "the cell has no definition, and is not supervised"
            } else if cell.lifecycle.supervised?.policy.liveness == nil {
                "its definition has no liveness rule: nothing follows from signs of life"
            } else if !cell.lifecycle.isUp {
                "the cell does not run"
            } else {
                nil as String?
            }
        return Manager.CellReply(cell: cell.onWire, message: message)
    }
}

extension Manager.DeviceFault {
    init(_ count: DeviceFaults.Count) {
        self.init(
            device: count.fault.device, cell: count.cell,
            address: count.fault.address.map { Int(truncatingIfNeeded: $0) },
            access: count.fault.access?.rawValue, unit: Int(clamping: count.fault.unit),
            code: Int(clamping: count.fault.code),
            count: count.count, last: count.last)
    }
}

extension SystemSource {
    /// As the hypervisor is given it: names of regions, which a state file does not keep, are for people.
    fileprivate func isSame(as other: SystemSource?) -> Bool {
        guard let other else { return false }
        guard let own = try? descriptor.binary(), let its = try? other.descriptor.binary() else {
            return descriptor == other.descriptor
        }
        return own == its
    }
}
