// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

private let canExecute =
    ["/usr/bin/qemu-system-x86_64", Place.source.path + "/Sources/CellMonitor/build/cell-monitor.bin"]
    .allSatisfy { FileManager.default.fileExists(atPath: $0) }

/// A bzImage that checks what it is handed (`inmates/linux/kernel.swift`) in the shipped definition of a Linux cell.
@Suite("Linux as a cell", .serialized, .enabled(if: canExecute, "QEMU runs the cells"))
struct LinuxCellTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "linux-\(UUID().uuidString)")

    private func run(_ change: (String) -> String = { $0 }) async throws -> Ended {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let initrd = directory.appending(path: "initrd")
        try Data((0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }).write(to: initrd)
        let shipped = try String(
            contentsOf: Place.source.appending(path: "configs/cells/linux-x86.toml"), encoding: .utf8)
        let text = shipped.replacing("/boot/vmlinuz", with: Place.inmates.path + "/linux-kernel.bin")
            .replacing(
                "# initrd = \"/boot/initrd.img\"",
                with: "initrd = \"\(initrd.path)\"\nloader = \"\(Place.inmates.path)/linux-loader.bin\"")
        let definition = directory.appending(path: "linux.toml")
        try change(text).write(to: definition, atomically: true, encoding: .utf8)
        return try await Program.run(
            [Place.program("jailhouse-sim"), "run", definition.path, "--timeout", "60"], within: .seconds(120))
    }

    @Test(arguments: ["2-3", "1", "1-3"]) func linuxIsHandedWhatItExpects(cpus: String) async throws {
        let ended = try await run { $0.replacing("cpus = \"2-3\"", with: "cpus = \"\(cpus)\"") }
        let output = ended.output
        #expect(ended.status == 0, "\(output)\(ended.errors)")
        #expect(output.contains("24 passed, 0 failed") && !output.contains("FAIL"), "\(output)")
        #expect(output.contains("command line: console=ttyS0,115200 pci=lastbus=0"))
    }

    @Test func theCommunicationRegionMayBeElsewhere() async throws {
        let ended = try await run { $0.replacing("virtual = 0x100000\n", with: "virtual = 0x7f000000\n") }
        #expect(ended.output.contains("24 passed, 0 failed"), "\(ended.output)\(ended.errors)")
    }

    /// The shipped cell without its program.
    private static var hardware: String {
        get throws {
            let shipped = try Definitions.shipped("linux-x86")
            let image = try #require(shipped.firstRange(of: "[[image]]"))
            return String(shipped[..<image.lowerBound])
        }
    }

    /// Upstream's way: the cell's configuration, compiled, and the kernel.
    @Test func aCommandStartsItThroughTheDaemon() async throws {
        let machine = try await LiveMachine.start(simulator: ["--cells", "execute", "--timing", "none"])
        let path = { (name: String) in machine.directory.url.appending(path: name).path }
        try Self.hardware.write(toFile: path("hardware.toml"), atomically: true, encoding: .utf8)
        #expect(try await machine.control("compile", path("hardware.toml"), "-o", path("linux.cell")).status == 0)
        try Data(count: 70_000).write(to: machine.directory.url.appending(path: "initrd"))

        let line = [
            "linux", path("linux.cell"), Place.inmates.path + "/linux-kernel.bin", "-i", path("initrd"), "-c",
            "console=ttyS0,115200 pci=lastbus=0 check=stay", "--directory", path("etc"),
        ]
        let started = try await machine.control(line)
        #expect(started.status == 0 && started.output == "linux: running\n", "\(started) \(machine.log)")
        let console = try machine.openConsole("linux")
        try await eventually("it is handed what it expects: \(console.output)") {
            console.output.contains("24 passed, 0 failed")
        }
        #expect(console.output.contains("command line: console=ttyS0,115200 pci=lastbus=0 check=stay"))
        // from now on it is a cell like any other
        #expect(try await machine.control("stop", "linux").status == 0)
        #expect(try await machine.control("start", "linux").status == 0)
        // its own definition may be written again, somebody's may not
        #expect(try await machine.control("destroy", "linux").status == 0)
        #expect(try await machine.control(line).status == 0)
        try "# my own\n".write(toFile: path("etc/cells/linux.toml"), atomically: true, encoding: .utf8)
        let refused = try await machine.control(line)
        #expect(refused.status == 1 && refused.errors.contains("was not written by this command"), "\(refused)")
    }

    /// A start would have left it as it was, with another kernel in its definition.
    @Test func oneThatRunsIsNotStartedAgain() async throws {
        let machine = try await LiveMachine.start()
        let path = { (name: String) in machine.directory.url.appending(path: name).path }
        try Self.hardware.write(toFile: path("hardware.toml"), atomically: true, encoding: .utf8)
        func start(_ words: String) async throws -> Ended {
            try await machine.control([
                "linux", path("hardware.toml"), Place.inmates.path + "/linux-kernel.bin", "-c", words, "--directory",
                path("etc"),
            ])
        }
        #expect(try await start("pci=lastbus=0").output == "linux: running\n", "\(machine.log)")
        let twice = try await start("pci=lastbus=0 quiet")
        #expect(twice.status == 1 && twice.errors.contains("the cell linux is running already"), "\(twice)")
        #expect(try !String(contentsOfFile: path("etc/cells/linux.toml"), encoding: .utf8).contains("quiet"))
        #expect(try await machine.control("destroy", "linux").status == 0)
        #expect(try await start("pci=lastbus=0 quiet").status == 0)
    }

    @Test func ramWithoutDMAIsNamed() async throws {
        let ended = try await run { $0.replacing("\"execute\", \"dma\", ", with: "\"execute\", ") }
        #expect(ended.status == 1)
        #expect(
            (ended.output + ended.errors).contains("add \"dma\" to the flags of its RAM"),
            "\(ended.output)\(ended.errors)")
    }

    // MARK: - Arm64

    private static let executesArm64 =
        ["/usr/bin/qemu-system-aarch64", Place.source.path + "/Sources/CellMonitor/build/cell-monitor-arm64.bin"]
        .allSatisfy { FileManager.default.fileExists(atPath: $0) }

    private func runArm64(initrd size: Int = 0, _ change: (String) -> String = { $0 }) async throws -> Ended {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let configs = Place.source.appending(path: "configs")
        var text = try String(contentsOf: configs.appending(path: "cells/arm64/linux-arm64.toml"), encoding: .utf8)
        text = text.replacing("/boot/Image", with: Place.inmates.path + "/linux-kernel-arm64.bin")
        if size > 0 {
            let initrd = directory.appending(path: "initrd")
            try Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }).write(to: initrd)
            text = text.replacing("# initrd = \"/boot/initrd.img\"", with: "initrd = \"\(initrd.path)\"")
        }
        let definition = directory.appending(path: "linux.toml")
        try change(text).write(to: definition, atomically: true, encoding: .utf8)
        let system = configs.appending(path: "systems/qemu-arm64.toml").path
        return try await Program.run(
            [Place.program("jailhouse-sim"), "run", definition.path, "--system", system, "--timeout", "60"],
            within: .seconds(120))
    }

    @Test(.enabled(if: executesArm64, "QEMU runs the cells"), arguments: ["2-3", "1", "1-3"])
    func linuxOnArm64IsHandedWhatItExpects(cpus: String) async throws {
        let ended = try await runArm64(initrd: 70_000) { $0.replacing("cpus = \"2-3\"", with: "cpus = \"\(cpus)\"") }
        let output = ended.output
        #expect(ended.status == 0, "\(output)\(ended.errors)")
        #expect(output.contains("16 passed, 0 failed") && !output.contains("FAIL"), "\(output)")
        #expect(output.contains("command line: console=ttyAMA0,115200"))
    }
}
