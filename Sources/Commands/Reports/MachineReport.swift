// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// The machine and its cells as `status` without a cell shows them.
struct MachineReport: Encodable {
    struct Machine: Encodable {
        let enabled: Bool
        @JSON.OrNull var system: String?
        let driver: Bool
        let version: String
        let memPoolSize: Int
        let memPoolUsed: Int
        let remapPoolSize: Int
        let remapPoolUsed: Int
        @JSON.OrNull var poolsAge: Int?
        let lostCPUs: [Int]
        let losses: [LostCPUReport]
        let deviceFaults: [DeviceFaultReport]
        let deviceFaultOverflows: Int
        @JSON.OrNull var inForce: String?
        @JSON.OrNull var refusedEnable: RefusedEnableReport?

        init(_ machine: Manager.Machine) {
            enabled = machine.enabled
            system = machine.system
            driver = machine.driver
            version = machine.version
            memPoolSize = machine.memPoolSize
            memPoolUsed = machine.memPoolUsed
            remapPoolSize = machine.remapPoolSize
            remapPoolUsed = machine.remapPoolUsed
            poolsAge = machine.poolsAge
            lostCPUs = machine.lostCpus ?? []
            losses = LostCPUReport.all(of: machine)
            deviceFaults = (machine.deviceFaults ?? []).map(DeviceFaultReport.init)
            deviceFaultOverflows = machine.deviceFaultOverflows ?? 0
            inForce = machine.inForce
            refusedEnable = machine.refusedEnable.map(RefusedEnableReport.init)
        }
    }

    let machine: Machine
    let cells: [CellRow]

    init(_ reply: Manager.List.Reply) {
        machine = Machine(reply.machine)
        cells = reply.cells.map(CellRow.init)
    }

    /// - Parameter places: of this machine's bundles, if the daemon is here.
    func text(
        _ style: Style, now: Moment, zone: Moment.Zone = .local, places: BundlePlaces = .elsewhere
    ) -> String {
        let condition: Condition = machine.enabled ? .well : machine.driver ? .atRest : .bad
        var list = PropertyList()
        let state =
            machine.enabled ? "enabled" : machine.driver ? "disabled" : "no driver; try: modprobe jailhouse"
        list.add("Hypervisor", style(state, condition.paint))
        list.add("System", system(places))
        list.add("Not enabled", lines: machine.refusedEnable?.lines(style, now: now) ?? [])
        list.add("Daemon", "jailhoused \(Text.printable(machine.version))")
        list.add("Lost CPUs", lines: machine.losses.flatMap { $0.lines(style) })
        list.add(
            "IOMMU faults",
            lines: (machine.deviceFaults.map { $0.text(now: now, zone: zone) } + overflows).map {
                style($0, Condition.bad.paint)
            })
        if machine.enabled {
            // reading them waits for the driver, as long as it is busy
            let age = machine.poolsAge.map { $0 / 1_000_000 } ?? 0
            list.add(
                "Memory",
                "\(machine.memPoolUsed) of \(machine.memPoolSize) pages used, "
                    + "\(machine.remapPoolUsed) of \(machine.remapPoolSize) for remapping"
                    + (age < 3 ? "" : " (\(age) s ago)"))
        }
        list.add("Cells", summary)
        let head = style(condition.bullet, condition.paint) + " " + style("Jailhouse", .bold)
        let machineText = head + "\n" + list.text(style, width: 12)
        return cells.isEmpty
            ? machineText : machineText + "\n\n" + CellRow.table(cells, now: now, zone: zone).text(style)
    }

    private var overflows: [String] {
        guard machine.deviceFaultOverflows > 0 else { return [] }
        let count = machine.deviceFaultOverflows
        return ["reports were lost \(count == 1 ? "once" : "\(count) times"): there were more than an IOMMU keeps"]
    }

    private func system(_ places: BundlePlaces) -> String {
        let configured = machine.system.map(places.text)
        guard let inForce = machine.inForce.map(places.text) else { return configured ?? "none configured" }
        if machine.inForce == machine.system { return "\(inForce), which has changed since the hypervisor was enabled" }
        return "\(inForce); configured: \(configured ?? "none")"
    }

    /// `2 running, 1 failed`: what is well first.
    private var summary: String {
        let groups = Dictionary(grouping: cells, by: \.condition).map { word, cells in
            (rank: Condition(word).rawValue, word: word, count: cells.count)
        }
        let pieces = groups.sorted { ($0.rank, $0.word) < ($1.rank, $1.word) }
        return pieces.isEmpty ? "none" : pieces.map { "\($0.count) \(Text.printable($0.word))" }.joined(separator: ", ")
    }
}
