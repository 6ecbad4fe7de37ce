// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

private let canExecute =
    ["/usr/bin/qemu-system-x86_64", Place.source.path + "/Sources/CellMonitor/build/cell-monitor.bin"]
    .allSatisfy { FileManager.default.fileExists(atPath: $0) }

/// The end of Linux in a cell, which the hypervisor does not see: a kernel that stands in ends as Linux does.
@Suite("The end of a guest", .serialized, .enabled(if: canExecute, "QEMU runs the cells"))
struct GuestEndTests {
    /// - Parameter changes: of the shipped definition.
    static func linux(_ end: String, _ changes: (String, String)...) throws -> String {
        try Definitions.shipped(
            "linux-x86",
            [
                ("/boot/vmlinuz", Place.inmates.path + "/linux-kernel.bin"),
                ("# initrd = \"/boot/initrd.img\"", "loader = \"\(Place.inmates.path)/linux-loader.bin\""),
                ("console=ttyS0,115200 pci=lastbus=0", "console=jailhouse \(end) pci=lastbus=0"),
                ("restart = \"on-failure\"", "delay = \"1 ms\"\nrestart = \"on-failure\""),
            ] + changes)
    }

    private func machine(_ end: String, _ changes: (String, String)...) async throws -> LiveMachine {
        var text = try Self.linux(end)
        for (old, new) in changes { text = text.replacing(old, with: new) }
        return try await LiveMachine.start(
            cells: ["linux": text], simulator: ["--cells", "execute", "--timing", "none"])
    }

    @Test("A panic is a failure with the guest's lines, restarted and given up")
    func panic() async throws {
        let machine = try await machine(
            "end=panic", ("delay = \"1 ms\"", "delay = \"1 ms\"\nlimit = { attempts = 1, within = \"60 s\" }"))
        #expect(try await machine.control("start", "linux").status == 0)
        try await eventually("it is given up: \(machine.log)", within: .seconds(60)) {
            try await machine.cell("linux")?.condition == "gave-up"
        }
        #expect(try await machine.cell("linux")?.restarts == 1)
        let failures = try await machine.control("failures", "linux", "1").output
        #expect(failures.contains("its Linux panicked"), "\(failures)")
        #expect(failures.contains("Kernel panic - not syncing: Attempted to kill init!"), "\(failures)")
        let status = try await machine.control("status", "linux").output
        #expect(status.contains("its Linux panicked") && status.contains("advice:"), "\(status)")
    }

    @Test("A guest that shut down is stopped", arguments: ["poweroff", "halt"])
    func shutdown(end: String) async throws {
        let machine = try await machine("end=\(end)")
        #expect(try await machine.control("start", "linux").status == 0)
        try await eventually("it is stopped: \(machine.log)", within: .seconds(60)) {
            try await machine.cell("linux")?.condition == "stopped"
        }
        #expect(try await machine.cell("linux")?.state == "shut down")
        #expect(try await machine.cell("linux")?.restarts == 0)
        #expect(machine.log.contains("its Linux shut down; stopping the cell"), "\(machine.log)")
    }

    @Test("A reboot starts it again")
    func reboot() async throws {
        let machine = try await machine("end=reboot")
        #expect(try await machine.control("start", "linux").status == 0)
        try await eventually("it is started again: \(machine.log)", within: .seconds(60)) {
            try await machine.cell("linux").map { $0.restarts > 0 } ?? false
        }
        #expect(machine.log.contains("its Linux asked for a reboot"), "\(machine.log)")
    }

    private func serving(_ words: String, _ timeout: String) async throws -> LiveMachine {
        let shared = """
            [[memory]]
            name = "words of guest and host"
            physical = 0x3e000000
            virtual = 0x3e000000
            size = "4 KiB"
            access = ["read", "write", "root-shared"]

            [[ports]]
            """
        return try await machine(
            "end=poweroff \(words)", ("console=jailhouse", "console=ttyS0,115200"), ("[[ports]]", shared),
            (
                "delay = \"1 ms\"",
                "delay = \"1 ms\"\nstop-timeout = \"\(timeout)\"\nguest = { request = 0x3e000000, answer = 0x3e000800 }"
            ))
    }

    @Test("An orderly stop: the guest is asked, and says when it has shut down")
    func orderly() async throws {
        let machine = try await serving("jailhouse.guest=0x3e000000,0x3e000800", "2 min")
        #expect(try await machine.control("start", "linux").status == 0)
        let memory = machine.directory.url.appending(path: "machine/memory").path
        let follower = try machine.follow("check-alive", "linux", "--follow", "--memory", memory)
        let stop = try await machine.control("stop", "linux")
        #expect(stop.status == 0, "\(stop)\(follower.output)\(follower.errors)\(machine.log)")
        #expect(try await machine.cell("linux")?.state == "shut down")
        #expect(machine.log.contains("its Linux is asked to shut down, and has 120.0 s for it"), "\(machine.log)")
        try await eventually("it said so: \(follower.output)") {
            follower.output.contains("linux: its guest is asked to shut down\nlinux: its guest has ended: shutdown\n")
        }
        // a restart asks, too, and the next guest is not asked by what is left of it
        #expect(try await machine.control("start", "linux").status == 0)
        let restart = try await machine.control("restart", "linux")
        #expect(restart.status == 0, "\(restart)\(follower.output)\(follower.errors)\(machine.log)")
        #expect(try await machine.cell("linux")?.condition == "running")
        #expect(!machine.log.contains("did not shut down within"), "\(machine.log)")
    }

    @Test("A guest that does not answer is stopped when its time is over")
    func deaf() async throws {
        let machine = try await serving("nobody", "1 s")
        #expect(try await machine.control("start", "linux").status == 0)
        #expect(try await machine.control("stop", "linux").status == 0)
        #expect(try await machine.cell("linux")?.state == "shut down")
        #expect(
            machine.log.contains("its Linux did not shut down within 1.0 s; stopping the cell all the same"),
            "\(machine.log)")
    }

    @Test("A guest whose console is elsewhere: whoever reads it says how it ended")
    func elsewhere() async throws {
        let machine = try await machine("end=none", ("console=jailhouse", "console=ttyS0,115200"))
        #expect(try await machine.control("alive", "linux", "--ended", "panic").output.contains("does not run"))
        #expect(try await machine.control("start", "linux").status == 0)
        let command = "\(Place.program("jailhouse-ctl")) alive linux --each-line --linux"
        let lines = try await Program.run(
            ["/bin/sh", "-c", "printf '[ 1.0] hello\\n[ 2.0] reboot: Power down\\n' | \(command)"],
            environment: ["JAILHOUSED_SOCKET": machine.directory.url.appending(path: "run/control").path])
        #expect(lines.status == 0, "\(lines)")
        try await eventually("it is stopped: \(machine.log)") {
            try await machine.cell("linux")?.state == "shut down"
        }
        #expect(try await machine.control("start", "linux").status == 0)
        let words = "Kernel panic - not syncing: Out of memory"
        #expect(try await machine.control("alive", "linux", "--ended", "panic", "--reason", words).status == 0)
        try await eventually("it is started again: \(machine.log)") {
            try await machine.cell("linux").map { $0.restarts == 1 && $0.condition == "running" } ?? false
        }
        let failures = try await machine.control("failures", "linux", "1").output
        #expect(failures.contains("its Linux panicked: its last words were \"\(words)\""), "\(failures)")
        let ended = try await machine.control("alive", "linux", "--ended", "reboot")
        #expect(ended.status == 0 && !ended.output.contains(";"), "\(ended)")
        try await eventually("it is started again: \(machine.log)") {
            try await machine.cell("linux").map { $0.restarts == 2 && $0.condition == "running" } ?? false
        }
    }

    @Test("A guest whose console is a serial line of this machine: its last words there are its end")
    func serialLine() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "line-\(UUID().uuidString)")
        try Data("Kernel panic - not syncing: of yesterday\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let line = try FileHandle(forWritingTo: file)
        try line.seekToEnd()
        func write(_ text: String) throws { try line.write(contentsOf: Data(text.utf8)) }
        let machine = try await machine(
            "end=none", ("console=jailhouse", "console=ttyS0,115200"),
            (
                "delay = \"1 ms\"",
                "delay = \"1 ms\"\nliveness = { kind = \"console\", contains = \"beat\", file = \"\(file.path)\", within = \"10 min\", "
                    + "every = \"10 ms\" }"
            ))
        #expect(try await machine.control("start", "linux").status == 0)
        let follower = try machine.follow("check-alive", "linux", "--follow")
        try await eventually("it listens: \(follower.output)\(follower.errors)") {
            try write("beat\n")
            return follower.output.contains("linux: alive")
        }
        #expect(try await machine.cell("linux")?.restarts == 0)
        try write(
            "[ 1.9] Run /init as init process\n[ 2.0] Kernel panic - not syncing: No init found.\n"
                + "[ 2.0] ---[ end Kernel panic - not syncing ]---\n")
        try await eventually("it is started again: \(machine.log)\(follower.output)") {
            try await machine.cell("linux").map { $0.restarts == 1 && $0.condition == "running" } ?? false
        }
        let failures = try await machine.control("failures", "linux", "1").output
        #expect(
            failures.contains("its last words were \"[ 2.0] Kernel panic - not syncing: No init found.\""),
            "\(failures)")
        #expect(failures.contains("Run /init as init process\n"), "\(failures)")
        #expect(!failures.contains("yesterday"))
    }
}
