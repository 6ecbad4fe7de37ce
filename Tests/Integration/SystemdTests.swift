// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The installed units under a real systemd; one container for all, one test at a time.
@Suite(.serialized, .bootedContainer) struct SystemdTests {
    private let container: Container

    init() throws {
        container = try #require(Container.current)
    }

    @Test func unitsAreFaultless() async throws {
        let ended = try await container.run(
            """
            systemd-analyze verify jailhoused.service jailhoused.socket jailhoused-status.socket \
            jailhouse-cell@x.service jailhouse-shutdown.service jailhouse-exporter.service jailhouse-exporter.socket \
            jailhouse-metrics.service jailhouse-metrics.timer
            """
        )
        #expect(ended.status == 0)
        #expect(ended.output + ended.errors == "")
    }

    @Test func aConnectionStartsTheDaemon() async throws {
        try await container.output("systemctl stop jailhoused.service")
        #expect(try await property("ActiveState") == "inactive")
        let list = try await container.output("jailhouse-ctl list --json")
        #expect(list.contains(#""rtems""#))
        #expect(try await property("ActiveState") == "active")
    }

    @Test func socketsKeepTheirOwners() async throws {
        try await container.output("systemctl restart jailhoused.service")
        #expect(
            try await container.output("stat --format='%U:%G %a' /run/jailhoused/control /run/jailhoused/status")
                == "root:jailhouse-admin 660\nroot:root 666"
        )
    }

    // Which socket is which is seen where an ordinary user may read and not command.
    @Test func socketsAreForNoChild() async throws {
        try await container.output("jailhouse-ctl list")
        let flags = try await container.output(
            "for each in 3 4; do sed -n 's/^flags:\\t//p' /proc/\(property("MainPID"))/fdinfo/$each; done")
        let values = flags.split(separator: "\n").compactMap { Int32($0, radix: 8) }
        #expect(values.count == 2 && values.allSatisfy { $0 & O_CLOEXEC != 0 }, "\(flags)")
    }

    @Test func theJournalIsExplained() async throws {
        try await container.output("journalctl --update-catalog")
        try await startCell()
        try await eventually("what a user did is explained") {
            try await container.output("journalctl --catalog --unit=jailhoused JAILHOUSE_COMMAND=Start")
                .contains("Subject: A user had the daemon carry out Start\n")
        }
    }

    @Test func statusTellsAboutTheCells() async throws {
        try await startCell()
        try await eventually("the status line counts the cells") {
            try await property("StatusText").contains("1 cell running")
        }
    }

    @Test func daemonHasNoPrivileges() async throws {
        try await container.output("systemctl start jailhoused.service")
        let status = try await container.output("cat /proc/\(property("MainPID"))/status")
        let user = try await container.output("id --user jailhouse")
        #expect(status.contains("Uid:\t\(user)\t\(user)\t\(user)\t\(user)\n"))
        #expect(status.contains("CapEff:\t0000000000000000\n"))
        #expect(status.contains("NoNewPrivs:\t1\n"))
        #expect(status.contains("Seccomp:\t2\n"))
    }

    /// `jailhoused.service: 0.6`, with the sandbox in which all of these tests have the daemon work.
    @Test(arguments: ["jailhoused.service", "jailhouse-shutdown.service", "jailhouse-cell@rtems.service"])
    func exposureIsLow(unit: String) async throws {
        let report = try await container.output("systemd-analyze security --no-pager \(unit)")
        let line = try #require(report.split(separator: "\n").last { $0.contains("Overall exposure level for") })
        let exposure = try #require(line.split(separator: " ").lazy.compactMap { Double($0) }.first)
        #expect(exposure <= 1.2, "\(report)")
    }

    /// In this container a system call that the unit forbids ends the daemon: see simulated.conf.
    @Test func theSandboxLeavesRoomForTheMainJob() async throws {
        try await stopCell()
        let daemon = try await property("MainPID")
        for command in [
            "jailhouse-ctl destroy rtems", "jailhouse-ctl disable", "jailhouse-ctl enable", "jailhouse-ctl start rtems",
            "jailhouse-ctl restart rtems", "jailhouse-sim inject --directory /run/jailhouse-sim rtems fail",
        ] { try await container.output(command) }
        try await eventually("the cell runs again") {
            let cell = try await cell()
            return cell.condition == "running" && cell.restarts == 1
        }
        for command in [
            "jailhouse-ctl status rtems", "jailhouse-ctl comm rtems", "systemctl reload jailhoused.service",
            "timeout --preserve-status 1 jailhouse-ctl watch", "jailhouse-ctl stop rtems",
        ] { _ = try await container.run(command) }
        #expect(try await cell().condition == "stopped")
        #expect(try await property("MainPID") == daemon)
    }

    @Test func everybodyMayLookAndOnlyAdministratorsChange() async throws {
        let asNobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups jailhouse-ctl"
        try await container.output("\(asNobody) list")
        let refused = try await container.run("\(asNobody) start rtems")
        #expect(refused.status == 1)
        #expect(
            refused.errors
                == "jailhouse-ctl: permission denied: you are not in group jailhouse-admin; use sudo, or have yourself "
                + "added (sudo usermod -aG jailhouse-admin $USER) and log in again\n")
        try await container.output(
            "setpriv --reuid=nobody --regid=nogroup --groups=jailhouse-admin jailhouse-ctl start rtems"
        )
    }

    @Test func theJournalTellsWhoChangedWhat() async throws {
        let asNobody = "setpriv --reuid=nobody --regid=nogroup --groups=jailhouse-admin jailhouse-ctl"
        let user = try await container.output("id --user nobody")
        try await stopCell()
        // other tests have entries of the same kind there
        let shown = try await container.output("journalctl --lines=1 --show-cursor")
        let cursor = try #require(shown.split(separator: "cursor: ").last)
        try await container.output("\(asNobody) start rtems")
        try await entry("Start", "done", by: user, after: cursor, "JAILHOUSE_CELL=rtems")
        _ = try await container.run("\(asNobody) start nothing")
        try await entry("Start", "CellNotFound", by: user, after: cursor, "JAILHOUSE_CELL=nothing")
        _ = try await container.run("\(asNobody) enable /nothing")
        try await entry("Enable", "AlreadyEnabled", by: user, after: cursor, "JAILHOUSE_PATH=/nothing")
        _ = try await container.run("\(asNobody) stop rtems --socket /run/jailhoused/status")
        try await entry("Stop", "PermissionDenied", by: user, after: cursor, "JAILHOUSE_CELL=rtems")
    }

    /// An entry of the journal about a change.
    private func entry(
        _ method: String, _ result: String, by user: String, after cursor: Substring, _ more: String
    ) async throws {
        let fields =
            ["JAILHOUSE_COMMAND=\(method)", "JAILHOUSE_RESULT=\(result)", "JAILHOUSE_UID=\(user)", more].map {
                "\"" + $0.replacingOccurrences(of: "=", with: "\":\"") + "\""
            } + [#""JAILHOUSE_PID":""#]
        try await eventually("the journal tells of \(method): \(result)") {
            // without any match: with one, the first entry that has it behind the cursor is skipped
            let found = try await container.output("journalctl --after-cursor='\(cursor)' --output=json")
            return found.split(separator: "\n").contains { line in fields.allSatisfy(line.contains) }
        }
    }

    @Test func stoppingTheDaemonLeavesTheCellRunning() async throws {
        try await startCell()
        let before = try await kernelsView()
        try await container.output("systemctl stop jailhoused.service")
        #expect(try await kernelsView() == before)
        #expect(try await cell().restarts == 0)  // asks, and so starts, the daemon
        #expect(try await kernelsView() == before)
    }

    @Test func aKilledDaemonAdoptsTheCell() async throws {
        try await startCell()
        let before = try await kernelsView()
        let daemon = try await property("MainPID")
        try await container.output("kill -KILL \(daemon)")
        try await eventually("systemd starts another") {
            let now = try await property("MainPID")
            return try await property("ActiveState") == "active" && now != daemon && now != "0"
        }
        let adopted = try await cell()
        #expect(adopted.condition == "running")
        #expect(adopted.restarts == 0)
        #expect(try await kernelsView() == before)
    }

    @Test func aFrozenDaemonIsReplacedByTheWatchdog() async throws {
        try await startCell()
        let before = try await kernelsView()
        let daemon = try await property("MainPID")
        try await container.output("kill -STOP \(daemon)")
        try await eventually("systemd starts another") {
            let now = try await property("MainPID")
            return try await property("ActiveState") == "active" && now != daemon && now != "0"
        }
        #expect(try await cell().condition == "running")
        #expect(try await kernelsView() == before)
        let journal = try await container.output("journalctl --unit=jailhoused.service --output=cat")
        #expect(journal.contains("Watchdog timeout"))
    }

    /// It has a thread of its own: the daemon goes on looking, answering and feeding the watchdog.
    @Test func aCommandThatTakesLongerThanTheWatchdogIsNotStuck() async throws {
        try await stopCell()
        let daemon = try await property("MainPID")
        try await container.output(
            "jailhouse-sim inject command load 6s --cell rtems --directory /run/jailhouse-sim")
        let began = ContinuousClock.now
        async let started = container.output("jailhouse-ctl start rtems")
        try await eventually("it is loaded: \(container.console)") {
            container.console.contains("load of cell \"rtems\" is held up for 6s")
        }
        #expect(try await container.output("timeout 5 jailhouse-ctl list").contains("starting"))
        _ = try await started
        #expect(ContinuousClock.now - began > .seconds(5))
        #expect(try await property("MainPID") == daemon)
        #expect(try await cell().condition == "running")
    }

    /// For the daemon's user `/proc/ioports` has no addresses: the unit passes it what root sees.
    @Test func aPortThatLinuxUsesIsRefused() async throws {
        try await stopCell()
        let dropIn = "/run/systemd/system/jailhoused.service.d/zz-ports.conf"
        try await container.output(
            """
            mkdir -p $(dirname \(dropIn)); printf '03f8-03ff : it87\\n' >/etc/ioports
            printf '[Service]\\nLoadCredential=ioports:/etc/ioports\\n' >\(dropIn)
            systemctl daemon-reload; systemctl restart jailhoused.service
            """)
        let refused = try await container.run("jailhouse-ctl start rtems")
        let problem = try await container.run("jailhouse-ctl status rtems")
        try await container.output(
            "rm \(dropIn); systemctl daemon-reload; systemctl restart jailhoused.service; jailhouse-ctl start rtems")
        #expect(refused.status == 1, "\(refused)")
        #expect((refused.errors + problem.output).contains("it87"), "\(refused) \(problem)")
    }

    @Test func reloadIsHonoured() async throws {
        try await container.output("systemctl start jailhoused.service")
        let daemon = try await property("MainPID")
        try await container.output("systemctl reload jailhoused.service")
        try await eventually("the daemon is ready again") { try await property("ActiveState") == "active" }
        #expect(try await property("MainPID") == daemon)
    }

    @Test func aCellIsAUnit() async throws {
        try await stopCell()
        try await container.output("systemctl start jailhouse-cell@rtems.service")
        #expect(try await kernelsView().hasPrefix("running\n"))

        // a failure in between is the daemon's to repair
        try await container.output("jailhouse-sim inject --directory /run/jailhouse-sim rtems fail")
        try await eventually("the cell runs again") {
            let cell = try await cell()
            return cell.condition == "running" && cell.restarts == 1
        }
        #expect(try await property("ActiveState", of: "jailhouse-cell@rtems.service") == "active")

        try await container.output("systemctl stop jailhouse-cell@rtems.service")
        #expect(try await kernelsView().hasPrefix("shut down\n"))
        #expect(try await property("Result", of: "jailhouse-cell@rtems.service") == "success")
    }

    /// The unit has a user of its own, and may do no more than this.
    @Test func aCheckUnitSeesLifeAndSilence() async throws {
        let file = "/etc/jailhoused/cells/rtems.toml"
        let rule =
            "restart-silent = false\\nliveness = { kind = \\\"command\\\", command = [\\\"/usr/bin/test\\\", "
            + "\\\"-e\\\", \\\"/run/alive\\\"], within = \\\"1 s\\\", every = \\\"100 ms\\\" }"
        try await container.output(
            "cp \(file) /root/rtems.toml; sed -i \"s|^restart = .*|&\\n\(rule)|\" \(file); touch /run/alive")
        try await container.output("jailhouse-ctl reload; systemctl start jailhouse-check@rtems.service")
        try await startCell()
        try await container.output("rm /run/alive; jailhouse-ctl wait rtems --for failed --timeout 20")
        #expect(try await cell().condition == "silent")
        try await container.output("touch /run/alive; jailhouse-ctl wait rtems --for running --timeout 20")
        #expect(try await property("ActiveState", of: "jailhouse-check@rtems.service") == "active")
        #expect(try await property("NRestarts", of: "jailhouse-check@rtems.service") == "0")
        try await container.output(
            "systemctl stop jailhouse-check@rtems.service; mv /root/rtems.toml \(file); jailhouse-ctl reload")
        try await stopCell()
    }

    /// As after a boot: no daemon, no hypervisor, and the cell's unit is the first that wants them.
    @Test func aCellUnitStartsAllThatItNeeds() async throws {
        try await stopCell()
        try await container.output(
            "jailhouse-ctl disable; systemctl stop jailhoused.service; rm /run/jailhoused/state.json"
        )
        try await container.output("systemctl start jailhouse-cell@rtems.service")
        #expect(try await kernelsView().hasPrefix("running\n"))
        try await container.output("systemctl stop jailhouse-cell@rtems.service")
    }

    @Test func aCellUnitOutlivesTheDaemon() async throws {
        try await stopCell()
        try await container.output("systemctl start jailhouse-cell@rtems.service")
        let before = try await kernelsView()
        try await container.output("systemctl restart jailhoused.service")
        #expect(try await cell().condition == "running")
        #expect(try await property("ActiveState", of: "jailhouse-cell@rtems.service") == "active")
        #expect(try await kernelsView() == before)
        // nor does the socket take it along, as a removal of the package stops both
        try await container.output("systemctl stop jailhoused.socket jailhoused.service")
        #expect(try await property("ActiveState", of: "jailhouse-cell@rtems.service") == "active")
        #expect(try await kernelsView() == before)
        try await container.output("systemctl start jailhoused.service")
        try await container.output("systemctl stop jailhouse-cell@rtems.service")
    }

    @Test func aCellEndsItsUnit() async throws {
        try await stopCell()
        try await container.output("systemctl start jailhouse-cell@rtems.service")
        try await container.output("jailhouse-ctl stop rtems")
        try await eventually("the unit is gone with the cell") {
            try await property("ActiveState", of: "jailhouse-cell@rtems.service") == "inactive"
        }
    }

    @Test func journalEntriesNameTheCell() async throws {
        try await startCell()
        let entries = try await container.output(
            "journalctl --unit=jailhoused.service JAILHOUSE_CELL=rtems --output=json --output-fields=MESSAGE,CODE_FILE"
        )
        #expect(entries.contains(#""MESSAGE":"#))
        #expect(entries.contains(#""CODE_FILE":"#))
    }

    // MARK: -

    private func property(_ name: String, of unit: String = "jailhoused.service") async throws -> String {
        try await container.output("systemctl show --value --property=\(name) \(unit)")
    }

    private func startCell() async throws {
        try await container.output("jailhouse-ctl reset-failed rtems; jailhouse-ctl start rtems")
    }

    private func stopCell() async throws {
        try await container.output("jailhouse-ctl reset-failed rtems; jailhouse-ctl stop rtems")
    }

    /// The cell's state, and a count that grows with every load and start: two equal answers are one run.
    private func kernelsView() async throws -> String {
        let cell = "/run/jailhouse-sim/root/sys/devices/jailhouse/cells/1"
        return try await container.output("cat \(cell)/state \(cell)/statistics/vmexits_management")
    }

    private struct CellInList: Decodable {
        let name: String
        let condition: String
        let restarts: Int
    }

    private func cell() async throws -> CellInList {
        let list = try await container.output("jailhouse-ctl list --json")
        let cells = try JSONDecoder().decode([CellInList].self, from: Data(list.utf8))
        return try #require(cells.first { $0.name == "rtems" })
    }
}

/// Boots the container before the suite's first test and powers it off behind its last.
private struct BootedContainer: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        let container = try await Container.boot()
        try await Container.$current.withValue(container, operation: body)
        try await container.end()
    }
}

extension SuiteTrait where Self == BootedContainer {
    fileprivate static var bootedContainer: Self { BootedContainer() }
}
