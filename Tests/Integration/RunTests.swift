// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

private let canExecute =
    ["/usr/bin/qemu-system-x86_64", Place.source.path + "/Sources/CellMonitor/build/cell-monitor.bin"]
    .allSatisfy { FileManager.default.fileExists(atPath: $0) }

/// `jailhouse-sim run`: one command from an image to a verdict.
@Suite("jailhouse-sim run", .serialized, .enabled(if: canExecute, "QEMU runs the cells"))
struct RunTests {
    private func run(_ arguments: String...) async throws -> Ended {
        try await Program.run([Place.program("jailhouse-sim"), "run"] + arguments, within: .seconds(120))
    }

    private func inmate(_ name: String) -> String { Place.inmates.path + "/" + name }

    @Test("An image passes when it prints what is waited for; its console is shown")
    func until() async throws {
        let ended = try await run(inmate("rtems.exe"), "--until", "rtems: [1-9] s")
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
        #expect(ended.output.contains("rtems: entered as a cell\n"))
        #expect(ended.errors.hasPrefix("passed after "))
        let version = try await Program.run([Place.program("jailhouse-sim"), "--version"])
        #expect(try await Program.run([Place.program("jailhouse-ctl"), "--version"]).output == version.output)
        #expect(version.status == 0 && version.output.hasSuffix("\n"))
        #expect(ended.errors.contains("it printed \"rtems: 1 s\""))
    }

    @Test(
        "An image for Arm64 gets a cell of an Arm64 machine",
        .enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/qemu-system-aarch64"), "QEMU for Arm runs it"))
    func arm64() async throws {
        let ended = try await run(inmate("hello-arm64.exe"), "--until", "hello: from processor [0-3], GICv3")
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
    }

    @Test("What must not be printed fails the run")
    func fail() async throws {
        let ended = try await run(inmate("rtems.exe"), "--until", "never", "--fail", "entered as a .ell")
        #expect(ended.status == 1, "\(ended.output)\(ended.errors)")
        #expect(ended.errors.contains("it printed \"rtems: entered as a cell\""))
    }

    @Test("A program that is parked fails, with the hypervisor's lines")
    func violation() async throws {
        let definition = try Definitions.shipped(
            "misbehave", [("mode=port-read", "mode=port-write"), ("cpus = \"2-3\"", "cpus = [3]")])
        let folder = try temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "misbehave.toml")
        try definition.write(to: file, atomically: true, encoding: .utf8)
        let ended = try await run(file.path)
        #expect(ended.status == 1, "\(ended.output)\(ended.errors)")
        #expect(ended.errors.contains("  | FATAL: Invalid PIO write, port: "))
    }

    @Test("A program that never ends is 124; a directory gives a table and a JUnit report")
    func table() async throws {
        let folder = try temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["a.exe", "b.exe"] {
            try FileManager.default.copyItem(atPath: inmate("rtems.exe"), toPath: folder.path + "/" + name)
        }
        try "no program".write(to: folder.appending(path: "README"), atomically: true, encoding: .utf8)
        let report = folder.path + "/report.xml"
        let ended = try await run(folder.path, "--timeout", "8", "--junit", report)
        #expect(ended.status == 124, "\(ended.output)\(ended.errors)")
        let lines = ended.output.split(separator: "\n")
        #expect(lines.count == 3, "\(lines)")
        #expect(lines.first?.hasPrefix("a.exe  timed out  8.") == true)
        #expect(lines.last == "0 passed, 0 failed, 2 timed out")
        let xml = try String(contentsOfFile: report, encoding: .utf8)
        #expect(xml.contains("<testsuite name=\"jailhouse-sim run\" tests=\"2\" failures=\"2\">"))
        #expect(xml.contains("<failure message=\"timed out\">"))
        #expect(xml.contains("rtems: entered as a cell"))
    }

    @Test(
        "SIGINT and SIGTERM end a run: its report is written, and nothing of its machine is left",
        arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) async throws {
        let folder = try temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["a.exe", "b.exe"] {
            try FileManager.default.copyItem(atPath: inmate("rtems.exe"), toPath: folder.path + "/" + name)
        }
        let report = folder.path + "/report.xml"
        let program = try Program([
            Place.program("jailhouse-sim"), "run", inmate("rtems.exe"), folder.path, "--timeout", "100", "--junit",
            report,
        ])
        let machine = "/jailhouse-sim-run-\(program.identifier)-"
        func left() -> [String] {
            ["/dev/shm", "/tmp"].flatMap { parent in
                ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).map { "\(parent)/\($0)" }
            }.filter { $0.contains(machine) }
        }
        try await eventually("the machine has its directory") { !left().isEmpty }
        program.signal(signal)
        let ended = try await program.end()
        #expect(ended.status == 128 + signal, "\(ended.output)\(ended.errors)")
        #expect(ended.output.hasSuffix("0 passed, 0 failed, 0 timed out, 1 interrupted\n"), "\(ended.output)")
        #expect(try String(contentsOfFile: report, encoding: .utf8).contains("<failure message=\"interrupted\">"))
        #expect(left().isEmpty)
    }

    @Test("What is no program is said before anything runs")
    func refused() async throws {
        let missing = try await run("/nowhere/program.exe")
        #expect(missing.status == 1)
        #expect(missing.errors.contains("/nowhere/program.exe"))
        let pattern = try await run(inmate("rtems.exe"), "--until", "(")
        #expect(pattern.status == 64)
        #expect(pattern.errors.contains("--until is no regular expression"))
    }

    private func temporary() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "jailhouse-sim-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}
