// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// One bad image holds up nothing else.
@Suite("Images that are slow, large or never read") struct SlowImageTests {
    private static let mayMount = geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0

    /// A cell with one flat image.
    private func definition(_ name: String, cpu: Int, image: String) -> String {
        """
        [cell]
        name = "\(name)"
        architecture = "x86"
        cpus = [\(cpu)]
        message-timeout = 1000000
        reset-address = 0x0

        [[memory]]
        physical = 0x3b000000
        virtual = 0x0
        size = "1 MiB"
        access = ["read", "write", "execute", "loadable"]

        [[memory]]
        virtual = 0x900000
        size = "4 KiB"
        access = ["read", "write", "communication-region"]

        [[image]]
        path = "\(image)"
        address = 0x0

        [supervision]
        restart = "on-failure"
        """
    }

    @Test("An image on a file system that hangs stops its own cell only", .enabled(if: mayMount))
    func hangingFileSystem() async throws {
        let place = try TemporaryDirectory()
        let script = Place.source.appending(path: "Tests/Integration/hanging_filesystem.py").path
        let fileSystem = try Program(["python3", script, place.url.path, "image", "4096"])
        try await eventually("it is mounted: \(fileSystem.errors)") { fileSystem.output.contains("ready") }
        let stuck = definition("stuck", cpu: 2, image: place.url.appending(path: "image").path)
        let began = ContinuousClock.now
        let machine = try await LiveMachine.start(
            cells: ["rtems": try Definitions.rtems(), "stuck": stuck], simulator: ["--timing", "none"])
        #expect(ContinuousClock.now - began < .seconds(15), "the daemon begins without it")
        #expect(machine.log.contains("the images could not be read within"), "\(machine.log)")
        #expect(try await machine.control("start", "rtems").status == 0)
        async let start = machine.control("start", "stuck")
        try await eventually("it exists: \(machine.log)") { try await machine.cell("stuck")?.id != nil }

        // its neighbour is restarted
        try await machine.inject("rtems", "fail")
        let failed = ContinuousClock.now
        try await eventually("the other one is restarted: \(machine.log)") {
            let cell = try await machine.cell("rtems")
            return cell?.restarts == 1 && cell?.condition == "running"
        }
        #expect(ContinuousClock.now - failed < .seconds(3))

        // and its own wish can be withdrawn
        #expect(try await machine.control("stop", "stuck").status == 0)
        #expect(try await start.errors.contains("superseded"))

        // nor does it hold up the end
        async let again = machine.control("start", "stuck")
        try await eventually("it is read again: \(machine.log)") {
            try await machine.cell("stuck")?.condition == "starting"
        }
        let ending = ContinuousClock.now
        #expect(try await machine.control("shut-down-all", "--within", "10").status == 0, "\(machine.log)")
        _ = try await again
        machine.signalDaemon(SIGTERM)
        #expect(try await machine.daemonEnd().status == 0)
        #expect(ContinuousClock.now - ending < .seconds(5))
        fileSystem.closeInput()
        _ = try await fileSystem.end()
    }

    @Test("A system configuration on a file system that hangs delays its own client only", .enabled(if: mayMount))
    func hangingSystem() async throws {
        let place = try TemporaryDirectory()
        let script = Place.source.appending(path: "Tests/Integration/hanging_filesystem.py").path
        let fileSystem = try Program(["python3", script, place.url.path, "system.cell", "4096"])
        try await eventually("it is mounted: \(fileSystem.errors)") { fileSystem.output.contains("ready") }
        let machine = try await LiveMachine.start(cells: ["rtems": try Definitions.rtems()])
        #expect(try await machine.control("disable").status == 0)
        async let enable = machine.control("enable", place.url.appending(path: "system.cell").path)
        try await eventually("the file is being read") {
            fileSystem.output.contains("reading")
        }
        #expect(try await machine.control("list").status == 0)
        #expect(try await machine.control("enable").status == 0)
        #expect(try await machine.control("start", "rtems").status == 0)
        fileSystem.closeInput()
        #expect(try await enable.status != 0)
        _ = try await fileSystem.end()
    }

    @Test("A check that any user may request does not read large images, and says so")
    func largeImage() async throws {
        let place = try TemporaryDirectory()
        let image = place.url.appending(path: "large").path
        #expect(FileManager.default.createFile(atPath: image, contents: nil))
        #expect(truncate(image, 900 << 20) == 0)
        let machine = try await LiveMachine.start(cells: [:])
        try machine.write(definition("large", cpu: 2, image: image), toCell: "large")
        let daemon = try machine.daemonProcess()
        let before = daemon.residentMemory
        let client = try RawClient(machine, socket: "status")
        try client.send(#"{"method":"org.jailhoused.Manager.Check","parameters":{}}"# + "\0")
        let answer = client.text()
        #expect(answer.contains("the images have 900 MiB, too much to be checked by the daemon"), "\(answer)")
        #expect(daemon.residentMemory - before < 40 << 20)
    }
}
