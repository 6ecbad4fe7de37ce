// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Commands

struct AttachTests {
    /// A daemon whose cell goes through these conditions, the first as it is, the others after the start. Every
    /// list is one connection, after which the daemon hangs up.
    private func daemon(
        _ conditions: [[String]], desired: String = "running", restart: String = "on-failure"
    ) throws -> ScriptedDaemon {
        let rest = Mutex(conditions)
        return try ScriptedDaemon { call in
            switch call.method {
            case Manager.Watch.qualifiedName:
                let conditions = rest.withLock { $0.isEmpty ? [] : $0.removeFirst() }
                return .stream(conditions.map { Samples.change($0) }, hangsUp: rest.withLock { !$0.isEmpty })
            case Manager.Describe.qualifiedName:
                var details = Samples.details
                details.supervision?.desired = desired
                details.supervision?.restart = restart
                return .reply(Manager.Describe.self, .init(details: details))
            default:
                return .reply(Manager.Start.self, .init(cell: Samples.cell()))
            }
        }
    }

    private func attach(_ daemon: ScriptedDaemon, environment: [String: String] = [:]) throws -> Executable.Outcome {
        try Executable.run(["attach", "rtems", "--socket", daemon.socket], environment: environment)
    }

    @Test func untilItIsStopped() throws {
        let daemon = try daemon([["stopped", "starting", "running", "stopping", "stopped"]], desired: "stopped")
        let outcome = try attach(daemon)
        #expect(outcome.status == 0)
        #expect(outcome.output.split(separator: "\n").count == 5)
        #expect(daemon.calls.map(\.method).prefix(2) == [Manager.Watch.qualifiedName, Manager.Start.qualifiedName])
    }

    /// At boot udev may give the daemon its device after the unit of a cell has begun.
    @Test func aHypervisorThatIsBeingEnabledIsWaitedFor() throws {
        let refusals = Mutex(3)
        let daemon = try ScriptedDaemon { call in
            switch call.method {
            case Manager.Watch.qualifiedName:
                return .stream(["absent", "running", "stopped"].map { Samples.change($0) }, hangsUp: false)
            case Manager.List.qualifiedName:
                var machine = Samples.machine
                machine.enabled = false
                machine.enabling = true
                return .reply(Manager.List.self, .init(machine: machine, cells: []))
            case Manager.Describe.qualifiedName:
                var details = Samples.details
                details.supervision?.desired = "stopped"
                return .reply(Manager.Describe.self, .init(details: details))
            default:
                let isRefused = refusals.withLock { refusals in
                    defer { refusals -= 1 }
                    return refusals > 0
                }
                if isRefused { return .error(.notEnabled(message: "the hypervisor is not enabled")) }
                return .reply(Manager.Start.self, .init(cell: Samples.cell()))
            }
        }
        let outcome = try attach(daemon)
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.error.contains("waiting until the hypervisor is enabled"))
        #expect(daemon.calls.count { $0.method == Manager.Start.qualifiedName } == 4)
    }

    @Test func untilItIsGivenUp() throws {
        let outcome = try attach(daemon([["absent", "running", "backing-off", "running", "gave-up"]]))
        #expect(outcome.status == 1)
        #expect(
            outcome.error
                == "jailhouse-ctl: cell 'rtems' was given up; try: jailhouse-ctl status rtems\n")
    }

    @Test func aFailureThatIsAnsweredWithARestartIsNoEnd() throws {
        #expect(try attach(daemon([["running", "failed", "running", "gave-up"]])).output.contains("gave-up"))
        let last = try attach(daemon([["running", "failed", "running"]], restart: "never"))
        #expect(last.status == 1)
        #expect(last.output.split(separator: "\n").count == 2)
    }

    @Test func aShutdownThatIsAnsweredWithARestartIsNoEnd() throws {
        let outcome = try attach(daemon([["running", "stopped", "running", "absent"]], restart: "always"))
        #expect(outcome.status == 0)
        #expect(outcome.output.split(separator: "\n").count == 4)
    }

    @Test func theDaemonMayBeRestarted() throws {
        let daemon = try daemon([["stopped", "running"], ["running", "stopped"]], desired: "stopped")
        let outcome = try attach(daemon)
        #expect(outcome.status == 0)
        #expect(outcome.error == "jailhouse-ctl: the daemon has exited; waiting for it\n")
        #expect(daemon.calls.filter { $0.method == Manager.Start.qualifiedName }.count == 1)
    }

    @Test func theStartMayFail() throws {
        let daemon = try ScriptedDaemon { call in
            call.method == Manager.Watch.qualifiedName
                ? .stream([Samples.change("stopped")], hangsUp: false)
                : .error(.startFailed(cell: "rtems", message: "the start was lost twice"))
        }
        let outcome = try attach(daemon)
        #expect(outcome.status == 1)
        #expect(outcome.error == "jailhouse-ctl: the start was lost twice\n")
    }

    @Test func unknownCell() throws {
        let daemon = try ScriptedDaemon { _ in
            .error(.cellNotFound(cell: "rtems", nearest: nil, message: "there is no cell 'rtems'"))
        }
        #expect(try attach(daemon).status == 4)
    }

    @Test func readinessGoesToTheServiceManager() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/notify"
        let manager = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        defer { close(manager) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(manager, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        _ = try attach(daemon([["running", "absent"]]), environment: ["NOTIFY_SOCKET": path])
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(manager, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        try #require(count > 0)
        #expect(String(decoding: buffer[..<count], as: UTF8.self) == "READY=1\nSTATUS=cell rtems: running")
    }
}
