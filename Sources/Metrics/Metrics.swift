// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// The metrics of a machine and its cells, as Prometheus reads them.
package enum Metrics {
    /// The media type of ``text(of:)``.
    package static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// The words of ``Manager/Cell/condition``.
    static let conditions = [
        "absent", "created", "starting", "running", "degraded", "silent", "stopping", "stopped", "failed",
        "backing-off",
        "gave-up", "foreign",
    ]
    /// A page of the hypervisor's pools, in bytes.
    private static let page = 4096

    /// - Parameter sample: nil if the daemon cannot be reached.
    package static func text(of sample: MachineSample?) -> String {
        var page = Exposition()
        page.family(
            "jailhouse_up", .gauge, "Whether jailhoused answers.", [Exposition.Sample([], .truth(sample != nil))])
        if let sample {
            machine(sample.machine, &page)
            cells(sample.cells, &page)
        }
        return page.text
    }

    private static func machine(_ machine: Manager.Machine, _ page: inout Exposition) {
        page.family(
            "jailhouse_info", .gauge, "The daemon and the system that it enables the hypervisor with.",
            [Exposition.Sample([("version", machine.version), ("system", machine.system ?? "")], .number(1))])
        page.family(
            "jailhouse_driver_loaded", .gauge, "Whether the driver is loaded.",
            [Exposition.Sample([], .truth(machine.driver))])
        page.family(
            "jailhouse_hypervisor_enabled", .gauge, "Whether the hypervisor is enabled.",
            [Exposition.Sample([], .truth(machine.enabled))])
        page.family(
            "jailhouse_linux_lost_cpus", .gauge, "CPUs of Linux that the hypervisor parked after a violation.",
            [Exposition.Sample([], .number(machine.lostCpus?.count ?? 0))])
        page.family(
            "jailhouse_hypervisor_failed_cpus", .gauge, "CPUs on which the hypervisor itself failed.",
            [Exposition.Sample([], .number(machine.losses?.count { $0.stopped } ?? 0))])
        timings(machine.timings ?? [], &page)
        page.family(
            "jailhouse_commands_refused_total", .counter,
            "Commands that were refused since the daemon was started, by the error number; none: the driver was not asked.",
            (machine.refusals ?? []).map {
                Exposition.Sample([("command", $0.command), ("errno", $0.errno)], .number($0.count))
            })
        let pools = [
            ("memory", machine.memPoolSize, machine.memPoolUsed),
            ("remap", machine.remapPoolSize, machine.remapPoolUsed),
        ]
        // without an age they have not been read
        if let age = machine.poolsAge {
            page.family(
                "jailhouse_pool_size_bytes", .gauge, "The size of a memory pool of the hypervisor.",
                pools.map { Exposition.Sample([("pool", $0.0)], .number($0.1 * Self.page)) })
            page.family(
                "jailhouse_pool_used_bytes", .gauge, "What is used of a memory pool of the hypervisor.",
                pools.map { Exposition.Sample([("pool", $0.0)], .number($0.2 * Self.page)) })
            page.family(
                "jailhouse_pool_age_seconds", .gauge, "How long ago the pools were read.",
                [Exposition.Sample([], .microseconds(age))])
        }
        page.family(
            "jailhouse_device_faults_total", .counter, "Accesses of PCI devices that an IOMMU dropped.",
            (machine.deviceFaults ?? []).map { fault in
                Exposition.Sample(
                    [
                        ("device", fault.device), ("cell", fault.cell ?? ""), ("access", fault.access ?? ""),
                        ("unit", "\(fault.unit)"), ("code", "\(fault.code)"),
                    ], .number(fault.count)
                )
            })
        page.family(
            "jailhouse_device_fault_overflows_total", .counter,
            "How often an IOMMU had more dropped accesses to report than it could keep.",
            [Exposition.Sample([], .number(machine.deviceFaultOverflows ?? 0))])
    }

    /// How late the daemon is, and how long the driver takes.
    private static func timings(_ timings: [Manager.Timing], _ page: inout Exposition) {
        let isLateness = { (timing: Manager.Timing) in timing.of == "poll-lateness" }
        func label(_ timing: Manager.Timing) -> [(String, String)] {
            isLateness(timing) ? [] : [("command", timing.of), ("result", timing.result ?? "done")]
        }
        func family(_ name: String, _ help: String, longest: String, _ timings: [Manager.Timing]) {
            page.family(
                name + "_seconds", .summary, help,
                timings.flatMap {
                    [
                        Exposition.Sample(label($0), .microseconds($0.total), suffix: "_sum"),
                        Exposition.Sample(label($0), .number($0.count), suffix: "_count"),
                    ]
                })
            page.family(
                name + "_longest_seconds", .gauge, longest,
                timings.map { Exposition.Sample(label($0), .microseconds($0.longest)) })
        }
        family(
            "jailhouse_poll_lateness", "How much later than wanted the daemon looked at the cells.",
            longest: "The longest lateness since the daemon was started.", timings.filter(isLateness))
        family(
            "jailhouse_command",
            """
            How long commands of the driver took; shut-down is the handshake with the inmate. unanswered: an inmate did not \
            answer in time, and Linux was stalled for so long.
            """,
            longest: "The longest of these commands since the daemon was started.",
            timings.filter { !isLateness($0) })
    }

    private static func cells(_ cells: [MachineSample.Cell], _ page: inout Exposition) {
        typealias Labels = [(String, String)]
        func label(_ cell: MachineSample.Cell) -> Labels { [("cell", cell.details.cell.name)] }
        func each(_ value: (MachineSample.Cell) -> Exposition.Value?) -> [Exposition.Sample] {
            cells.compactMap { cell in value(cell).map { Exposition.Sample(label(cell), $0) } }
        }

        page.family(
            "jailhouse_cell_info", .gauge, "A cell, with the hypervisor's word for its state.",
            cells.map { cell in
                let shown = cell.details.cell
                return Exposition.Sample(
                    label(cell) + [
                        ("id", shown.id.map(String.init) ?? ""), ("state", shown.state ?? ""),
                        ("defined", "\(shown.defined)"), ("restart", cell.details.supervision?.restart ?? ""),
                    ], .number(1)
                )
            })
        page.family(
            "jailhouse_cell_condition", .gauge, "The daemon's word for a cell: 1 for the one that applies.",
            cells.flatMap { cell -> [Exposition.Sample] in
                let current = cell.details.cell.condition
                // a later daemon may have another word
                let words = conditions.contains(current) ? conditions : conditions + [current]
                return words.map { Exposition.Sample(label(cell) + [("condition", $0)], .truth($0 == current)) }
            })
        page.family(
            "jailhouse_cell_condition_since_seconds", .gauge, "When the condition changed last, in seconds since 1970.",
            each { $0.details.cell.since > 0 ? .microseconds($0.details.cell.since) : nil })
        page.family(
            "jailhouse_cell_start_time_seconds", .gauge,
            "When a cell that runs was seen to run first, in seconds since 1970.",
            each { $0.details.started.map { .microseconds($0) } })
        page.family(
            "jailhouse_cell_desired_running", .gauge, "Whether the daemon wants the cell to run.",
            each { $0.details.supervision.map { .truth($0.desired == "running") } })
        page.family(
            "jailhouse_cell_definition_valid", .gauge, "Whether the definition can be used.",
            each { $0.details.definition == nil ? nil : .truth($0.details.problem == nil) })
        page.family(
            "jailhouse_cell_cpus", .gauge, "How many CPUs the cell has.", each { .number($0.details.cell.cpus.count) })
        page.family(
            "jailhouse_cell_failed_cpus", .gauge, "How many CPUs of the cell are parked after a violation.",
            each { .number($0.details.cell.failedCpus.count) })
        page.family(
            "jailhouse_cell_restarts_total", .counter, "How often the daemon restarted the cell.",
            each { .number($0.details.cell.restarts) })
        failures(cells, &page)
        page.family(
            "jailhouse_cell_shutdown_stall_seconds", .gauge,
            "How long Linux was stalled by the last shutdown request, which the inmate did not answer.",
            each { $0.details.lastShutdown.map { .microseconds($0.stalled ?? 0) } })
        page.family(
            "jailhouse_cell_shutdown_seconds", .gauge,
            "When the last shutdown request ended, in seconds since 1970, and how.",
            cells.compactMap { cell in
                guard let last = cell.details.lastShutdown, let at = last.at else { return nil }
                return Exposition.Sample(label(cell) + [("outcome", last.outcome)], .microseconds(at))
            })
        exits(cells, &page)
    }

    private static func failures(_ cells: [MachineSample.Cell], _ page: inout Exposition) {
        page.family(
            "jailhouse_cell_failures_total", .counter,
            "How often the cell failed since the daemon was started, by kind.",
            cells.flatMap { cell in
                (cell.details.failureCounts ?? []).map {
                    Exposition.Sample([("cell", cell.details.cell.name), ("kind", $0.kind)], .number($0.count))
                }
            })
        page.family(
            "jailhouse_cell_recorded_failures", .gauge,
            "The failures that the daemon has on record, at most eight, by kind.",
            cells.flatMap { cell -> [Exposition.Sample] in
                let kinds = Dictionary(grouping: cell.failures) { FailureKind(reason: $0.reason) }
                return FailureKind.allCases.compactMap { kind -> Exposition.Sample? in
                    kinds[kind].map {
                        Exposition.Sample(
                            [("cell", cell.details.cell.name), ("kind", kind.rawValue)], .number($0.count))
                    }
                }
            })
        page.family(
            "jailhouse_cell_last_failure_seconds", .gauge, "When the cell failed last, in seconds since 1970.",
            cells.compactMap { cell in
                cell.failures.last.map {
                    Exposition.Sample(
                        [
                            ("cell", cell.details.cell.name), ("kind", FailureKind(reason: $0.reason).rawValue),
                        ], .microseconds($0.at)
                    )
                }
            })
    }

    /// The driver's counters are those of the whole cell; the ones of single CPUs are left out.
    private static func exits(_ cells: [MachineSample.Cell], _ page: inout Exposition) {
        let prefix = "vmexits_"
        page.family(
            "jailhouse_cell_vm_exits_total", .counter,
            "VM exits of the cell by reason; begins again with each load of the cell, and after 2 to the power of 31.",
            cells.flatMap { cell in
                cell.statistics.filter { $0.name.hasPrefix(prefix) && $0.name != prefix + "total" }
                    .map {
                        Exposition.Sample(
                            [("cell", cell.details.cell.name), ("reason", String($0.name.dropFirst(prefix.count)))],
                            .number($0.value)
                        )
                    }
            })
    }
}
