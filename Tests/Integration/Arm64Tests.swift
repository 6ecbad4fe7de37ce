// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

private let canExecute =
    ["/usr/bin/qemu-system-aarch64", Place.source.path + "/Sources/CellMonitor/build/cell-monitor-arm64.bin"]
    .allSatisfy { FileManager.default.fileExists(atPath: $0) }

/// The same daemon on a simulated Arm64 machine.
@Suite("Arm64 cells", .serialized, .enabled(if: canExecute, "QEMU runs the cells"))
struct Arm64Tests {
    private func machine(_ cells: [String: String], _ options: [String] = []) async throws -> LiveMachine {
        try await LiveMachine.start(
            cells: cells, systemFile: "qemu-arm64",
            simulator: ["--architecture", "arm64", "--cells", "execute", "--timing", "none"] + options)
    }

    @Test("Started, killed, explained, restarted, stopped: by the daemon as on x86")
    func life() async throws {
        let machine = try await machine([
            "hello-arm64": try Definitions.shipped("arm64/hello", []),
            "misbehave-arm64": try Definitions.shipped(
                "arm64/misbehave",
                [
                    (
                        "restart = \"never\"",
                        "restart = \"on-failure\"\ndelay = \"1 ms\"\nlimit = { attempts = 2, within = \"60 s\" }"
                    )
                ]),
        ])
        #expect(machine.console.hasPrefix("cells: execute, by /usr/bin/qemu-system-aarch64"))
        #expect(try await machine.control("start", "hello-arm64").status == 0)
        let console = try machine.openConsole("hello-arm64")
        try await eventually("it says hello: \(console.output)\(machine.console)") {
            console.output.contains("hello: from processor 1, GICv3\n")
        }
        #expect(try await machine.control("stop", "hello-arm64").status == 0)
        try await eventually("it was asked") { console.output.hasSuffix("asked to shut down\n") }
        #expect(try await machine.cell("hello-arm64")?.state == "shut down")

        _ = try await machine.control("start", "misbehave-arm64")
        try await eventually("it is given up") {
            try await machine.cell("misbehave-arm64")?.condition == "gave-up"
        }
        #expect(try await machine.cell("misbehave-arm64")?.restarts == 2)
        let status = try await machine.control("status", "misbehave-arm64").output
        #expect(status.contains("was parked after a violation: Unhandled data write at 0x20000000(4)"), "\(status)")
        #expect(status.contains("| FATAL: unhandled trap (exception class 0x24)"), "\(status)")
        #expect(status.contains("meaning: "), "\(status)")
        // Arm's exit reasons
        let id = try #require(try await machine.cell("misbehave-arm64")?.id)
        let statistics = machine.directory.url.appending(
            path: "machine/root/sys/devices/jailhouse/cells/\(id)/statistics"
        ).path
        let files = try FileManager.default.contentsOfDirectory(atPath: statistics)
        #expect(files.contains("vmexits_virt_irq") && !files.contains("vmexits_pio"), "\(files)")
        let mmio = try String(contentsOfFile: statistics + "/vmexits_mmio", encoding: .utf8)
        #expect(mmio != "0\n")
    }

    @Test("One command from a definition to a verdict")
    func run() async throws {
        let folder = try temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "timer.toml")
        try Definitions.shipped("arm64/timer", []).write(to: file, atomically: true, encoding: .utf8)
        let ended = try await Program.run(
            [Place.program("jailhouse-sim"), "run", file.path], within: .seconds(60))
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
        #expect(ended.output.contains("timer: 6 passed, 0 failed, 0 skipped\n"))
    }

    @Test("Two cells see each other through shared memory, one told by a pin, one by a message")
    func heartbeat() async throws {
        let machine = try await machine([
            "heartbeat-a": try Definitions.shipped("arm64/heartbeat-a", []),
            "heartbeat-b": try Definitions.shipped("arm64/heartbeat-b", []),
        ])
        for name in ["heartbeat-a-arm64", "heartbeat-b-arm64"] {
            #expect(try await machine.control("start", name).status == 0)
        }
        for name in ["heartbeat-a-arm64", "heartbeat-b-arm64"] {
            try await eventually("\(name) is content: \(machine.console)") {
                try await machine.cell(name)?.state == "shut down"
            }
        }
    }

    @Test("What kills a real Arm64 machine is refused before it is tried")
    func refusals() async throws {
        let part = """
            [[memory]]
            name = "a device"
            physical = 0x9060000
            virtual = 0x9060000
            size = 0x20
            access = ["read", "write", "io", "io-32"]

            [[image]]
            """
        let machine = try await LiveMachine.start(
            cells: ["hello-arm64": try Definitions.shipped("arm64/hello", [("[[image]]", part)])], system: false,
            simulator: [
                "--architecture", "arm64", "--timing", "none", "--trap", "vhe", "--trap", "devices", "--trap",
                "redistributors",
            ])
        let system = Place.source.path + "/configs/systems/qemu-arm64.toml"
        let refused = try await machine.control("enable", system)
        #expect(refused.status == 1 && refused.errors.contains("kvm-arm.mode=nvhe"), "\(refused)")
        let checked = try await machine.daemonCommand("--check")
        #expect(checked.status == 1 && (checked.output + checked.errors).contains("JH1313"), "\(checked)")
        #expect(!machine.console.contains("FROZEN"), "\(machine.console)")
        // Linux's end of a link in the system
        let linked = machine.directory.url.appending(path: "linked.toml")
        let text = try String(contentsOfFile: system, encoding: .utf8)
        let link = "\n[[ivshmem]]\nbdf = \"00:00.0\"\npeer-id = 0\nphysical = 0x7fb00000\noutput-size = \"4 KiB\"\n"
        try (text + link).write(to: linked, atomically: true, encoding: .utf8)
        let check = try await Program.run(
            [
                Place.program("jailhouse-sim"), "exec", "--directory",
                machine.directory.url.appending(path: "machine").path, "--", Place.program("jailhouse-ctl"), "check",
                linked.path,
            ])
        #expect(check.output.contains("JH1311") && check.output.contains("JH1312"), "\(check)")
    }

    private func temporary() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "arm64-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}
