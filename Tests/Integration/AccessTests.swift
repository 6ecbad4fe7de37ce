// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import Testing

/// Who may do what, and what the daemon acts upon.
@Suite("Access") struct AccessTests {
    /// Those that change nothing. A new method is refused on the status socket, or it has to be written down here.
    private static let reading: Set = [
        "List", "Describe", "CommunicationRegion", "Statistics", "Watch", "Console", "Failures", "Configurations",
        "Check",
    ]

    @Test("The status socket refuses each method that changes something, by its name")
    func statusSocket() async throws {
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        for method in Manager.Method.allCases.map(\.type) {
            let client = try RawClient(machine, socket: "status")
            let name = method.qualifiedName
            try client.send(#"{"method":"\#(name)","more":true,"parameters":{"cell":"rtems"}}"# + "\0")
            // all but what one reply holds is of no interest
            let reply = client.text()
            if Self.reading.contains(method.name) {
                #expect(!reply.contains("PermissionDenied"), "\(reply)")
                continue
            }
            #expect(reply.hasPrefix(#"{"error":"org.jailhoused.Manager.PermissionDenied""#), "\(name): \(reply)")
            #expect(reply.contains(#""method":"\#(method.name)""#), "\(reply)")
            #expect(
                machine.log.split(separator: "\n").contains {
                    $0.contains("\(method.name) rtems, requested by uid")
                        || $0.contains("\(method.name), requested by uid")
                }, "\(machine.log)")
        }
        #expect(try await machine.cell("rtems")?.condition == "absent")
    }

    @Test("An image that changes between check and load is checked again")
    func changedImage() async throws {
        let directory = try TemporaryDirectory()
        let image = directory.url.appending(path: "rtems.exe")
        let sound = try Data(contentsOf: Place.inmates.appending(path: "rtems.exe"))
        try sound.write(to: image)
        let machine = try await LiveMachine.start(cells: [
            "rtems": try Definitions.rtems((Place.inmates.path + "/rtems.exe", image.path))
        ])
        #expect(try await machine.control("start", "rtems").status == 0)
        #expect(!machine.log.contains("has changed since it was checked"))

        try sound.write(to: image)
        #expect(try await machine.control("restart", "rtems").status == 0)
        #expect(machine.log.contains("rtems: image \(image.path) has changed since it was checked"))

        try Data("#!/bin/sh\n".utf8).write(to: image)
        let starts = machine.console.matches(of: /started/.ignoresCase()).count
        let refused = try await machine.control("restart", "rtems")
        #expect(refused.status == 1)
        #expect(refused.errors.contains(image.path), "\(refused)")
        #expect(try await machine.cell("rtems")?.condition == "running", "what runs has not been touched")

        try sound.write(to: image)
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: image.path)
        let untrusted = try await machine.control("restart", "rtems")
        #expect(untrusted.errors.contains("everybody may write \(image.path)"), "\(untrusted)")
        #expect(untrusted.errors.contains("chmod go-w \(image.path)"))
        #expect(try await machine.cell("rtems")?.condition == "running")
        #expect(
            machine.console.matches(of: /started/.ignoresCase()).count == starts && starts > 0, "\(machine.console)")
    }

    @Test("jailhoused --check refuses what others may write")
    func check() async throws {
        // the rules that look at the machine are about the simulated one
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        let definition = machine.directory.url.appending(path: "etc/cells/rtems.toml")
        let sound = try await machine.daemonCommand("--check")
        #expect(sound.status == 0, "\(sound)")
        try FileManager.default.setAttributes([.posixPermissions: 0o646], ofItemAtPath: definition.path)
        let ended = try await machine.daemonCommand("--check")
        #expect(ended.status == 1)
        #expect(ended.output.contains("\(definition.path): error: everybody may write"), "\(ended)")
        #expect(ended.output.contains("[JH0911]\n    why: "))
        #expect(ended.output.contains("\n    fix: chmod go-w \(definition.path)"), "\(ended)")
    }
}
