// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import Foundation
import Hypervisor
import JailhouseInterface
import Supervision
import TestSupport
import Testing

@testable import Daemon

@Suite("Commands whose turn comes late")
struct CommandRunnerTests {
    private static let text = SmallCell.toml()

    /// Chaos, seed 20261131, round 463: another tool had shut the cell down in between, the start was lost, and the exits
    /// that told of the shutdown were taken for those of the start.
    @Test("A start is not given to a cell whose CPUs were stopped meanwhile", arguments: [5, 6] as [UInt64])
    func stoppedMeanwhile(exits: UInt64) throws {
        let directory = try sysfs([
            "cells/1/name": "rtems\n", "cells/1/cpus_assigned_list": "3\n",
            "cells/1/cpus_failed_list": "\n", "cells/1/state": "shut down\n",
            "cells/1/statistics/cpu3/vmexits_management": "\(exits)\n",
        ])
        defer { try? FileManager.default.removeItem(at: directory) }
        let decidedOn = Observation(id: 1, state: .shutDown, failedCPUs: [], managementExits: [5])
        let runner = CommandRunner(
            hypervisor: HypervisorCommands(device: "/dev/null", sysfs: directory.path),
            decidedOn: .present(decidedOn), before: Look(.enabled))
        expect(try runner.run(.start, "rtems", definition()), isOvertaken: exits != 5)
    }

    /// Chaos, seed 305861, round 22: another tool made a cell that never answers while a create was on its way to the
    /// driver, which then waited for that cell for ever.
    @Test(
        "A create or destroy is not given when another cell has come, gone or changed meanwhile",
        arguments: [Command.create, .destroy], ["running\n", "shut down\n", nil])
    func anotherMeanwhile(command: Command, state: String?) throws {
        var files: [String: String] = [:]
        if let state {
            files = [
                "cells/2/name": "guest\n", "cells/2/cpus_assigned_list": "2\n", "cells/2/cpus_failed_list": "\n",
                "cells/2/state": state,
            ]
        }
        let own = Observation(id: 1, state: .failed)
        if command == .destroy {
            files["cells/1/name"] = "rtems\n"
            files["cells/1/cpus_assigned_list"] = "3\n"
            files["cells/1/cpus_failed_list"] = "\n"
            files["cells/1/state"] = "failed\n"
        }
        let directory = try sysfs(files)
        defer { try? FileManager.default.removeItem(at: directory) }
        let guest = Look.Guest(name: CellName("guest"), observation: Observation(id: 2, state: .running))
        for before in [Look(.enabled), Look(.enabled, guests: [guest])] {
            var before = before
            if command == .destroy { before.guests.append(Look.Guest(name: CellName("rtems"), observation: own)) }
            let runner = CommandRunner(
                hypervisor: HypervisorCommands(device: "/dev/null", sysfs: directory.path),
                decidedOn: command == .create ? .absent : .present(own), before: before)
            let isSame = before.guests.contains(guest) ? state == "running\n" : state == nil
            expect(try runner.run(command, "rtems", definition()), isOvertaken: !isSame)
        }
    }

    /// Chaos, seed 33979, round 205, and seed 580146, round 36: the daemon judged, then read the console, for which it
    /// waited as long as another tool held the driver's lock, and then gave the command without another look.
    @Test("What comes while the console is read is seen, too", arguments: [Command.create, .destroy, .load, .start])
    func meanwhileTheConsoleIsRead(command: Command) throws {
        var files: [String: String] = [:]
        let own = Observation(id: 1, state: .failed)
        if command != .create {
            files = [
                "cells/1/name": "rtems\n", "cells/1/cpus_assigned_list": "3\n", "cells/1/cpus_failed_list": "\n",
                "cells/1/state": "failed\n",
            ]
        }
        let directory = try sysfs(files)
        defer { try? FileManager.default.removeItem(at: directory) }
        let console = directory.appending(path: "console").path
        #expect(mkfifo(console, 0o600) == 0)
        // a thread of its own: those of tasks may all be waiting for it
        let other = Thread {
            // it is being read, and waits
            let descriptor = open(console, O_WRONLY)
            defer { close(descriptor) }
            if command == .load || command == .start {
                try? Data("shut down\n".utf8).write(to: directory.appending(path: "cells/1/state"))
            } else {
                let guest = directory.appending(path: "cells/2")
                try? FileManager.default.createDirectory(at: guest, withIntermediateDirectories: true)
                for (name, text) in [
                    ("name", ""), ("cpus_assigned_list", "2"), ("cpus_failed_list", ""), ("state", "running"),
                ] {
                    try? Data((text + "\n").utf8).write(to: guest.appending(path: name))
                }
            }
        }
        other.start()
        var before = Look(.enabled)
        if command != .create { before.guests = [Look.Guest(name: CellName("rtems"), observation: own)] }
        let runner = CommandRunner(
            // a device that refuses every command
            hypervisor: HypervisorCommands(device: "/dev/null", sysfs: directory.path),
            decidedOn: command == .create ? .absent : .present(own), before: before)
        expect(try runner.run(command, "rtems", definition()), isOvertaken: true)
    }

    private static let linuxDied = """
        FATAL: Invalid PIO write, port: 21 size: 1
        RIP: 0xffffffff8104d1b4 RSP: 0xffffc90000013e58 FLAGS: 46
        RAX: 0x00000000000000ff RBX: 0x0000000000000000 RCX: 0x0000000000000000
        RDX: 0x0000000000000021 RSI: 0x0000000000000000 RDI: 0x0000000000000000
        CS: 10 BASE: 0x0000000000000000 AR-BYTES: a09b EFER.LMA 1
        CR0: 0x0000000080050033 CR3: 0x0000000002a0a000 CR4: 0x00000000000006e0
        EFER: 0x0000000000000d01
        Parking CPU 1 (Cell: "q35")

        """
    private static let root = ["cells/0/name": "q35\n", "cells/0/cpus_assigned_list": "0\n"]

    /// A review: the daemon reads the console once a second, and a disable within that second froze Linux.
    @Test("What the console says of Linux counts at the moment of a create or disable", arguments: [true, false])
    func linuxLostACPU(isLost: Bool) throws {
        let files = Self.root.merging(["console": isLost ? Self.linuxDied : "Created cell \"x\"\n"]) { $1 }
        let directory = try sysfs(files)
        defer { try? FileManager.default.removeItem(at: directory) }
        let hypervisor = HypervisorCommands(device: "/dev/null", sysfs: directory.path)
        let runner = CommandRunner(hypervisor: hypervisor, decidedOn: .absent, before: Look(.enabled))
        let sentence = isLost ? "Linux lost CPU 1" : "the driver refused it"
        guard case .refused(let refusal) = try runner.run(.create, "rtems", definition()),
            case .machine(let disabled?) = DriverJob.disable(before: Look(.enabled)).run(hypervisor)
        else {
            Issue.record("neither is refused")
            return
        }
        #expect(refusal.message.contains(sentence), "\(refusal)")
        #expect(disabled.message.contains(isLost ? sentence : "disable"), "\(disabled)")
        #expect((refusal.errno == 0) == isLost && (disabled.errno == 0) == isLost, "only the driver has an errno")
    }

    /// A review: the driver destroyed all cells, and then refused to disable because of the CPU.
    @Test("No disable is given while a CPU of Linux is offline")
    func cpuIsOffline() throws {
        let directory = try sysfs(Self.root.merging(["cells/0/cpus_assigned_list": "0,4095\n"]) { $1 })
        defer { try? FileManager.default.removeItem(at: directory) }
        let hypervisor = HypervisorCommands(device: "/dev/null", sysfs: directory.path)
        guard case .machine(let refusal?) = DriverJob.disable(before: Look(.enabled)).run(hypervisor) else {
            Issue.record("it is given")
            return
        }
        #expect(refusal.errno == 0 && refusal.message.contains("CPU 4095 of Linux is offline"), "\(refusal)")
    }

    private func definition() throws -> CellDefinition {
        try CellDefinition(toml: Self.text, path: "/rtems.toml", readFile: { _ in [] })
    }

    /// What was not overtaken would have been given to the device, which refuses it.
    private func expect(
        _ outcome: Outcome, isOvertaken: Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        if isOvertaken {
            #expect(outcome == .overtaken, sourceLocation: sourceLocation)
        } else if case .refused = outcome {
        } else {
            Issue.record("\(outcome)", sourceLocation: sourceLocation)
        }
    }

    private func sysfs(_ files: [String: String]) throws -> URL {
        let directory = FileManager.default.temporaryDirectory.appending(path: "runner-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: directory.appending(path: "cells"), withIntermediateDirectories: true)
        for (path, text) in files.merging(["enabled": "1\n"], uniquingKeysWith: { $1 }) {
            let url = directory.appending(path: path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        return directory
    }
}
