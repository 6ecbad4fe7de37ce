// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Testing

@testable import Commands

struct ReportTests {
    private let now = Samples.now

    @Test func list() {
        let cells = [
            Samples.cell(), Samples.cell("two", id: 2, "degraded", cpus: [1, 2], failed: [2], restarts: 0),
            Samples.absent,
        ].map(CellRow.init)
        #expect(
            CellRow.table(cells, now: now, zone: .utc).text(.plain) == """
                CELL        ID  STATE    CONDITION  CPUS             RESTARTS  SINCE
                rtems       1   running  running    3                1         08:41:12 (3s)
                two         2   running  degraded   1-2 (failed: 2)  0         08:41:12 (3s)
                linux-demo  -   -        absent     -                0         -
                """)
    }

    @Test func listAsJSON() throws {
        #expect(
            try JSON.text([CellRow(Samples.cell()), CellRow(Samples.absent)]) == """
                [
                  {
                    "condition": "running",
                    "cpus": [3],
                    "failedCpus": [],
                    "id": 1,
                    "name": "rtems",
                    "restarts": 1,
                    "since": "2026-11-22T08:41:12.345Z",
                    "state": "running"
                  },
                  {
                    "condition": "absent",
                    "cpus": [],
                    "failedCpus": [],
                    "id": null,
                    "name": "linux-demo",
                    "restarts": 0,
                    "since": null,
                    "state": null
                  }
                ]
                """)
    }

    @Test func statusNamesTheBundle() {
        let real = "/etc/jailhoused/bundles/4521aa9b106f722a/cells/rtems.toml"
        let places = BundlePlaces { $0.hasSuffix("/cells/rtems.toml") ? real : $0 }
        let text = CellReport(Samples.details).text(.plain, now: now, zone: .utc, places: places)
        #expect(
            text.contains(
                "Definition: /etc/jailhoused/cells/rtems.toml (cells/rtems.toml of bundle 4521aa9b106f722a)\n"))
        #expect(text.contains("Images: /usr/lib/jailhoused/inmates/rtems.exe\n"))
    }

    @Test func status() {
        #expect(
            CellReport(Samples.details).text(.plain, now: now, zone: .utc) == """
                ● rtems
                  Definition: /etc/jailhoused/cells/rtems.toml
                   Condition: running since Sun 2026-11-22 08:41:12 GMT; 3s ago
                       State: running (id 1)
                        CPUs: 3
                      Images: /usr/lib/jailhoused/inmates/rtems.exe
                    Restarts: 1; restarted on failure, 1 of 5 attempts within 1min
                    VM exits: 4

                Last failure: Sun 2026-11-22 08:41:08 GMT; 7s ago
                  invalid PIO write, port 0x70, size 1
                  state then: failed
                  failed CPUs: 3
                  VM exits then: 48213, 4 of them for the hypervisor itself
                  meaning: The program wrote the I/O port 0x70 (1 byte): the CMOS clock, which is not the cell's.
                  advice: Do not grant it: the device is Linux's, and a CPU of Linux that uses it meanwhile is parked for good. In the program, use the time-stamp counter. A Linux guest needs CONFIG_JAILHOUSE_GUEST, and its loader.
                  rule: JH0841 of 'jailhouse-ctl check' says so
                  | FATAL: Invalid PIO write, port: 70 size: 1
                  | Parking CPU 3 (Cell: "rtems")\\x1b[2J

                Console:
                  | Started cell "rtems"
                """)
    }

    @Test func statusOfACellThatWaits() {
        var details = Samples.details
        details.cell.condition = "backing-off"
        details.supervision?.nextRestart = now.microseconds + 1_500_000
        details.lastFailure = nil
        details.console = []
        #expect(
            CellReport(details).text(.plain, now: now, zone: .utc) == """
                ● rtems
                  Definition: /etc/jailhoused/cells/rtems.toml
                   Condition: backing-off since Sun 2026-11-22 08:41:12 GMT; 3s ago
                  Next start: in 1.5s
                       State: running (id 1)
                        CPUs: 3
                      Images: /usr/lib/jailhoused/inmates/rtems.exe
                    Restarts: 1; restarted on failure, 1 of 5 attempts within 1min
                    VM exits: 4
                """)
    }

    @Test func statusSaysWhatTheDefinitionAccepts() {
        var details = Samples.details
        details.accepted = ["JH0101: its ROM is larger than its file", "JH0901: the inmate answers"]
        details.lastFailure = nil
        details.console = []
        #expect(
            CellReport(details).text(.plain, now: now, zone: .utc).contains(
                """
                  Definition: /etc/jailhoused/cells/rtems.toml
                    Accepted: JH0101: its ROM is larger than its file
                              JH0901: the inmate answers
                   Condition: running
                """))
    }

    @Test func statusOfAForeignCellAndOfABrokenDefinition() {
        let foreign = Manager.Details(cell: Samples.cell("x", "foreign", restarts: 0))
        #expect(
            CellReport(foreign).text(.plain, now: now, zone: .utc) == """
                ● x
                  Definition: none; the cell was created by another tool
                   Condition: foreign since Sun 2026-11-22 08:41:12 GMT; 3s ago
                       State: running (id 1)
                        CPUs: 3
                    Restarts: 0; not supervised
                """)
        let broken = Manager.Details(cell: Samples.absent, definition: "/d.toml", problem: "unknown key 'sise'")
        #expect(
            CellReport(broken).text(.plain, now: now, zone: .utc) == """
                ○ linux-demo
                  Definition: /d.toml
                     Problem: unknown key 'sise'
                   Condition: absent
                       State: the cell does not exist
                        CPUs: -
                    Restarts: 0; not supervised
                """)
    }

    @Test func machine() {
        let reply = Manager.List.Reply(
            machine: Samples.machine, cells: [Samples.cell(), Samples.cell("two", id: 2), Samples.absent])
        #expect(
            MachineReport(reply).text(.plain, now: now, zone: .utc) == """
                ● Jailhouse
                  Hypervisor: enabled
                      System: /etc/jailhoused/q35.toml
                      Daemon: jailhoused 0.1.0
                      Memory: 214 of 979 pages used, 65541 of 131072 for remapping
                       Cells: 2 running, 1 absent

                CELL        ID  STATE    CONDITION  CPUS  RESTARTS  SINCE
                rtems       1   running  running    3     1         08:41:12 (3s)
                two         2   running  running    3     1         08:41:12 (3s)
                linux-demo  -   -        absent     -     0         -
                """)
    }

    @Test(
        "The system is the one in force",
        arguments: [
            (nil, "/etc/jailhoused/q35.toml"),
            (
                "/etc/jailhoused/q35.toml",
                "/etc/jailhoused/q35.toml, which has changed since the hypervisor was enabled"
            ),
            ("/old.toml", "/old.toml; configured: /etc/jailhoused/q35.toml"),
        ])
    func machineInForce(inForce: String?, text: String) {
        var machine = Samples.machine
        machine.inForce = inForce
        let report = MachineReport(.init(machine: machine, cells: [])).text(.plain, now: now)
        #expect(report.contains("System: \(text)\n"), "\(report)")
    }

    @Test func machineWithoutDriver() {
        let machine = Manager.Machine(
            enabled: false, driver: false, version: "0.1.0", memPoolSize: 0, memPoolUsed: 0, remapPoolSize: 0,
            remapPoolUsed: 0)
        #expect(
            MachineReport(.init(machine: machine, cells: [])).text(.plain, now: now) == """
                × Jailhouse
                  Hypervisor: no driver; try: modprobe jailhouse
                      System: none configured
                      Daemon: jailhoused 0.1.0
                       Cells: none
                """)
    }

    @Test func communicationRegion() {
        #expect(
            RegionReport(cell: "rtems", Samples.region).text(.plain, now: now, zone: .utc) == """
                rtems: communication region
                       Address: 0x900000 in the cell
                  ABI revision: 2
                         State: running (0)
                      Shutdown: the inmate is asked; timeout after 1000000 loops
                  Last request: approved at 08:41:12 (3s)
                  PCI MMCONFIG: 0xb0000000
                      PM timer: port 0x608
                          CPUs: 1
                           TSC: 2900000 kHz
                    APIC timer: TSC deadline
                       Console: 0x3f8
                         Flags: debug-putc-permitted
                """)
    }

    @Test func communicationRegionOfAnAbsentCell() {
        let region = Manager.Region(
            abiRevision: 2, passive: false, messageReplyTimeout: 0, lastRequest: .init(outcome: "not-asked"))
        #expect(
            RegionReport(cell: "x", region).text(.plain, now: now, zone: .utc) == """
                x: communication region
                       Address: none in its configuration
                  ABI revision: 2
                         State: the cell does not exist
                      Shutdown: the inmate is asked; without a timeout: if it hangs, Linux freezes with it
                  Last request: not asked
                """)
    }

    @Test func addressesAreUnsigned() throws {
        var region = Samples.region
        region.address = Int(bitPattern: 0xffff_ffff_8000_0000)
        let report = RegionReport(cell: "x", region)
        #expect(report.text(.plain, now: now).contains("0xffffffff80000000"))
        #expect(try JSON.text(report, oneLine: true).contains(#""address":18446744071562067968"#))
    }

    @Test func changes() throws {
        func line(_ change: Manager.Change) -> String { ChangeLine(change).text(.plain, zone: .utc) }
        let failed = Samples.change("failed", previous: "running", message: "invalid\nPIO", missed: 2)
        #expect(
            line(failed) == #"08:41:12.345  rtems  running → failed  invalid\nPIO  (2 changes missed before this)"#)
        // what the message only says again is said once
        #expect(
            line(Samples.change("failed", previous: "running", message: "running → failed"))
                == "08:41:12.345  rtems  running → failed")
        let current = Samples.change("running", kind: "current", message: "running")
        #expect(line(current) == "08:41:12.345  rtems  running")
        #expect(
            line(Samples.change("running", kind: "failure", message: "CPU 3 failed"))
                == "08:41:12.345  rtems  CPU 3 failed")
        #expect(line(Samples.change("running", kind: "replaced")) == "08:41:12.345  rtems  replaced")
        #expect(try JSON.text(ChangeLine(current), oneLine: true).contains(#""previous":null"#))
    }

    @Test func reload() {
        #expect(Reload.text(.init()) == "nothing changed")
        #expect(Reload.text(.init(added: ["a", "b"], changed: ["c"])) == "added: a, b\nchanged: c")
    }
}
