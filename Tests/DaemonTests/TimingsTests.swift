// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Hypervisor
import JailhouseInterface
import NIOCore
import NIOPosix
import Supervision
import Testing

@testable import Daemon

@Suite("How long commands of the driver take")
struct TimingsTests {
    private static func work(_ command: Command) -> DriverWork { .command(command, of: "rtems", decidedOn: nil) }

    private static let refusal = Refusal(kind: .denied, message: "no")

    @Test("They count by their results: what was not answered, too, whether it was done then or refused")
    func results() {
        var timings = Timings()
        let (quick, long) = (
            HypervisorCommands.Call(took: .milliseconds(1), isUnanswered: false),
            HypervisorCommands.Call(took: .milliseconds(700), isUnanswered: true)
        )
        timings.note(Self.work(.shutDown), .command(.done()), quick)
        timings.note(Self.work(.shutDown), .command(.done(unanswered: .milliseconds(700))), long)
        timings.note(Self.work(.shutDown), .command(.refused(Self.refusal)), quick)
        timings.note(Self.work(.destroy), .command(.refused(Self.refusal)), long)
        timings.note(.disable, .machine(MachineRefusal(message: "no")), quick)
        // not given
        timings.note(Self.work(.start), .command(.overtaken), nil)
        timings.note(Self.work(.create), .command(.refused(.noDefinition)), nil)
        #expect(
            timings.onWire.map { "\($0.of) \($0.result ?? "") \($0.count) \($0.total)" } == [
                "destroy unanswered 1 700000", "disable refused 1 1000", "shut-down done 1 1000",
                "shut-down refused 1 1000", "shut-down unanswered 1 700000",
            ])
    }

    @Test("The driver's thread says of each job whether the driver was called")
    func calls() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        let cell = directory.appending(path: "cells/1")
        try FileManager.default.createDirectory(at: cell, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, text) in [
            ("name", "rtems"), ("cpus_assigned_list", "3"), ("cpus_failed_list", ""), ("state", "shut down"),
        ] { try Data("\(text)\n".utf8).write(to: cell.appending(path: name)) }
        try Data("1\n".utf8).write(to: directory.appending(path: "enabled"))
        // a device that refuses every command
        let thread = DriverThread(HypervisorCommands(device: "/dev/null", sysfs: directory.path))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        func call(_ decidedOn: Sighting) async throws -> HypervisorCommands.Call? {
            let runner = CommandRunner(hypervisor: thread.hypervisor, decidedOn: decidedOn, before: Look(.enabled))
            return try await thread.run(.command(.start, of: "rtems", nil, runner), loop).get().1
        }
        let observation = Observation(id: 1, state: .shutDown)
        #expect(try await call(.present(observation))?.isUnanswered == false)
        #expect(try await call(.present(Observation(id: 2, state: .shutDown))) == nil, "it is not given")
    }
}
