// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Supervision
import Testing

@testable import Metrics

@Suite("Metrics")
struct MetricsTests {
    static let machine = Manager.Machine(
        enabled: true, system: "/etc/x.toml", driver: true, version: "0.1.0", memPoolSize: 1000, memPoolUsed: 93,
        remapPoolSize: 131_072, remapPoolUsed: 5, poolsAge: 1_500_000, lostCpus: [2],
        deviceFaults: [.init(device: "00:1b.0", cell: nil, access: "write", unit: 0, code: 5, count: 7, last: 1)],
        timings: [.init(of: "poll-lateness", count: 100, total: 9000, longest: 1200)]
            + ["create", "destroy", "disable", "enable", "load", "shut-down", "start"].map {
                .init(of: $0, count: 2, total: 50_000, longest: 40_000)
            } + [.init(of: "shut-down", count: 1, total: 700_000, longest: 700_000, result: "unanswered")],
        refusals: [.init(command: "enable", errno: "EIO", count: 3)])

    static func cell(_ name: String, exits: Int = 5) -> MachineSample.Cell {
        MachineSample.Cell(
            details: Manager.Details(
                cell: .init(
                    name: name, id: 1, state: "failed", condition: "backing-off", cpus: [2, 3], failedCpus: [3],
                    restarts: 4, since: 1_000_000_000_000_001, sinceMonotonic: 7, defined: true),
                definition: "/etc/jailhoused/cells/x.toml",
                supervision: .init(
                    desired: "running", restart: "always", delay: 1, maximumDelay: 1, attempts: 1, attemptLimit: 5,
                    limitWithin: 1, stopTimeout: 1, autostart: true),
                lastShutdown: .init(outcome: "timed-out", at: 2_000_000, stalled: 340_000),
                failureCounts: [.init(kind: "ended", count: 1), .init(kind: "violation", count: 9)], started: 3_000_000),
            statistics: [
                .init(name: "vmexits_total", value: exits + 2), .init(name: "vmexits_mmio", value: exits),
                .init(name: "cpu3/vmexits_mmio", value: 1),
            ],
            failures: [
                .init(at: 1_000_000, reason: "CPU 3 was parked after a violation: Invalid PIO write"),
                .init(at: 2_000_000, reason: "it shut itself down"),
            ])
    }

    @Test("Names, types, labels and units are those of Prometheus")
    func text() {
        let text = Metrics.text(of: MachineSample(machine: Self.machine, cells: [Self.cell("a\"b\\c\n")]))
        let lines = Set(text.split(separator: "\n").map(String.init))
        let cell = #"cell="a\"b\\c\n""#
        for line in [
            "# TYPE jailhouse_up gauge", "jailhouse_up 1", #"jailhouse_info{version="0.1.0",system="/etc/x.toml"} 1"#,
            #"jailhouse_pool_used_bytes{pool="memory"} 380928"#, "jailhouse_pool_age_seconds 1.500000",
            #"jailhouse_device_faults_total{device="00:1b.0",cell="",access="write",unit="0",code="5"} 7"#,
            "jailhouse_linux_lost_cpus 1", "jailhouse_cell_condition{\(cell),condition=\"backing-off\"} 1",
            "jailhouse_cell_condition{\(cell),condition=\"running\"} 0",
            "jailhouse_cell_condition_since_seconds{\(cell)} 1000000000.000001",
            "jailhouse_cell_restarts_total{\(cell)} 4", "jailhouse_cell_failed_cpus{\(cell)} 1",
            "jailhouse_cell_recorded_failures{\(cell),kind=\"violation\"} 1",
            "jailhouse_cell_last_failure_seconds{\(cell),kind=\"ended\"} 2",
            "# TYPE jailhouse_poll_lateness_seconds summary", "jailhouse_poll_lateness_seconds_sum 0.009000",
            "jailhouse_poll_lateness_seconds_count 100", "jailhouse_poll_lateness_longest_seconds 0.001200",
            "jailhouse_command_seconds_sum{command=\"shut-down\",result=\"done\"} 0.050000",
            "jailhouse_command_longest_seconds{command=\"shut-down\",result=\"done\"} 0.040000",
            "jailhouse_command_seconds_sum{command=\"shut-down\",result=\"unanswered\"} 0.700000",
            "# TYPE jailhouse_commands_refused_total counter",
            "jailhouse_commands_refused_total{command=\"enable\",errno=\"EIO\"} 3",
            "jailhouse_cell_failures_total{\(cell),kind=\"violation\"} 9",
            "jailhouse_cell_shutdown_stall_seconds{\(cell)} 0.340000",
            "jailhouse_cell_vm_exits_total{\(cell),reason=\"mmio\"} 5",
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!text.contains("reason=\"total\"") && !text.contains("cpu3"))
    }

    @Test("The table of README.md has each metric, with its labels")
    func table() throws {
        let path = URL(filePath: #filePath).appending(path: "../../../README.md").standardized
        let readme = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
        let rows = readme.drop { !$0.hasPrefix("| metric (") }.dropFirst(2).prefix { $0.hasPrefix("|") }
        var told: [String: Set<String>] = [:]
        for row in rows {
            let columns = row.split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.matches(of: /`([a-z_]+)`/).map { String($0.1) } }
            for name in columns[1] { told["jailhouse_\(name)"] = Set(columns[2]) }
        }
        var shown: [String: Set<String>] = [:]
        let text = Metrics.text(of: MachineSample(machine: Self.machine, cells: [Self.cell("x")]))
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            var name = String(line.prefix { $0 != "{" && $0 != " " })
            for part in ["_sum", "_count"] where name.hasSuffix(part) { name.removeLast(part.count) }
            shown[name, default: []].formUnion(line.matches(of: /[{,]([a-z_]+)="/).map { String($0.1) })
        }
        #expect(told == shown)
    }

    /// A file of the directory for Prometheus and Grafana.
    private static func fleet(_ file: String) throws -> String {
        let path = URL(filePath: #filePath).appending(path: "../../../fleet/\(file)").standardized
        return try String(contentsOf: path, encoding: .utf8)
    }

    @Test(
        "Alerts, their tests and the dashboard name no other metric, label or condition",
        arguments: ["prometheus/jailhouse.rules.yml", "prometheus/jailhouse.test.yml", "grafana/jailhouse.json"])
    func names(file: String) throws {
        let text = try Self.fleet(file)
        let sample = Metrics.text(of: MachineSample(machine: Self.machine, cells: [Self.cell("x")]))
        var labels: [String: Set<String>] = [:]
        for line in sample.split(separator: "\n") where !line.hasPrefix("#") {
            let name = String(line.prefix { $0 != "{" && $0 != " " })
            labels[name, default: []].formUnion(line.matches(of: /[{,]([a-z_]+)="/).map { String($0.1) })
        }
        let uses = text.matches(of: /(jailhouse_[a-z_]+)(\{[^}]*\})?/)
        #expect(uses.count >= 14)
        for use in uses {
            let known = try #require(labels[String(use.1)], "\(use.0)").union(["instance"])
            for label in (use.2 ?? "").matches(of: /([a-z_]+)=/) {
                #expect(known.contains(String(label.1)), "\(use.0)")
            }
        }
        for words in text.matches(of: /condition=~?\\?"([a-z|\-]+)/) {
            for word in words.1.split(separator: "|") {
                #expect(Metrics.conditions.contains(String(word)), "\(words.0)")
            }
        }
    }

    @Test("Each alert has a case")
    func cases() throws {
        let cases = try Self.fleet("prometheus/jailhouse.test.yml")
        for alert in try Self.fleet("prometheus/jailhouse.rules.yml").matches(of: /- alert: ([A-Za-z]+)/) {
            #expect(cases.contains("alertname: \(alert.1)\n"), "\(alert.1)")
        }
    }

    @Test("A daemon that does not answer is a metric")
    func down() {
        #expect(Metrics.text(of: nil).hasSuffix("\njailhouse_up 0\n"))
    }

    @Test("Pools that have not been read have no numbers")
    func unreadPools() {
        var machine = Self.machine
        machine.poolsAge = nil
        #expect(!Metrics.text(of: MachineSample(machine: machine, cells: [])).contains("pool"))
    }

    @Test("The labels of a cell do not grow with what it does")
    func cardinality() {
        func series(_ sample: MachineSample) -> Int {
            Metrics.text(of: sample).split(separator: "\n").filter { !$0.hasPrefix("#") }.count
        }
        var cell = Self.cell("x")
        let before = series(MachineSample(machine: Self.machine, cells: [cell]))
        cell.failures += (0..<6).map { .init(at: $0, reason: "no sentence that is known: \($0)") }
        let after = series(MachineSample(machine: Self.machine, cells: [cell]))
        #expect(after == before + 1)
    }

    @Test("Each cause of a failure has its kind")
    func kinds() {
        let unanswered = Unanswered(command: .create, cell: "b", stall: .seconds(1))
        let causes: [(FailureCause, FailureKind)] = [
            (.failed(cpus: []), .declared), (.failed(cpus: [1]), .violation), (.failed(cpus: [1, 2]), .violation),
            (.communicationABIMismatch, .abiMismatch), (.invalidState, .invalidState), (.vanished, .vanished),
            (.lostStart, .lostStart), (.startedUnloaded, .replaced), (.stalled, .stalled), (.silent, .silent),
            (.guestEnded(.panic), .panic), (.guestEnded(.reboot), .reboot), (.guestEnded(.shutdown), .ended),
            (.ended, .ended),
            (.refused(.create, .init(kind: .other, message: "x")), .refused),
            (.refused(.shutDown, .init(kind: .denied, message: "x")), .refused),
            (.didNotAnswer(unanswered), .noAnswer), (.hypervisorFailed([3]), .hypervisor),
            (.cpusFailed([1]), .cpuViolation),
            (.cpusFailed([1, 2]), .cpuViolation), (.countersUnreadable, .unverified), (.startUnverified, .unverified),
        ]
        for (cause, kind) in causes { #expect(FailureKind(reason: "\(cause)") == kind, "\(cause)") }
        // the daemon's own words
        for (cause, kind) in causes { #expect(cause.kind == kind.rawValue, "\(cause)") }
        #expect(FailureKind(reason: "what a later daemon says") == .other)
    }
}
