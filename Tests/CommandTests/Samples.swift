// SPDX-License-Identifier: Apache-2.0

import ControlInterface

@testable import Commands

enum Samples {
    /// Sun 2026-11-22 08:41:12.345 UTC
    static let time = 1_795_336_872_345_678
    /// Three seconds later.
    static let now = Moment(microseconds: time + 3_000_000)

    static let machine = Manager.Machine(
        enabled: true, system: "/etc/jailhoused/q35.toml", driver: true, version: "0.1.0", memPoolSize: 979,
        memPoolUsed: 214, remapPoolSize: 131072, remapPoolUsed: 65541)

    static func cell(
        _ name: String = "rtems", id: Int? = 1, state: String? = "running", _ condition: String = "running",
        cpus: [Int] = [3], failed: [Int] = [], restarts: Int = 1, since: Int = time
    ) -> Manager.Cell {
        Manager.Cell(
            name: name, id: id, state: state, condition: condition, cpus: cpus, failedCpus: failed,
            restarts: restarts, since: since, sinceMonotonic: 1, defined: condition != "foreign")
    }

    static let absent = cell("linux-demo", id: nil, state: nil, "absent", cpus: [], restarts: 0, since: 0)

    static let failure = Manager.Failure(
        at: time - 4_000_000, reason: "invalid PIO write, port 0x70, size 1", state: "failed", failedCpus: [3],
        console: ["FATAL: Invalid PIO write, port: 70 size: 1", "Parking CPU 3 (Cell: \"rtems\")\u{1b}[2J"],
        vmExits: 48213, managementExits: 4)

    static let supervision = Manager.Supervision(
        desired: "running", restart: "on-failure", delay: 200_000, maximumDelay: 30_000_000, attempts: 1,
        attemptLimit: 5, limitWithin: 60_000_000, stopTimeout: 5_000_000, autostart: true)

    static let details = Manager.Details(
        cell: cell(), definition: "/etc/jailhoused/cells/rtems.toml",
        images: ["/usr/lib/jailhoused/inmates/rtems.exe"], supervision: supervision, lastFailure: failure,
        console: ["Started cell \"rtems\""], vmExits: 4)

    static let region = Manager.Region(
        address: 0x900000, abiRevision: 2, state: "running", stateNumber: 0, passive: false,
        messageReplyTimeout: 1_000_000, lastRequest: .init(outcome: "approved", at: time),
        pciMmconfigBase: 0xb000_0000, pmTimerPort: 0x608, numberOfCpus: 1, tscKhz: 2_900_000, apicKhz: 0,
        consoleAddress: 0x3f8, flags: ["debug-putc-permitted"])

    static func change(
        _ condition: String, previous: String? = nil, kind: String = "condition", message: String = "",
        missed: Int = 0
    ) -> Manager.Change {
        Manager.Change(
            at: time, kind: kind, cell: cell(state: condition == "running" ? "running" : "shut down", condition),
            previous: previous, message: message, missed: missed)
    }
}
