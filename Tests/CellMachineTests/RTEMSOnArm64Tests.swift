// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellMachine
import Foundation
import Testing

/// The layer of `inmates/rtems` for Arm64 without RTEMS, compiled against RTEMS/arm64/include with RTEMS/arm64/board.c in
/// the place of RTEMS, on a processor that is not the machine's first.
@Suite struct RTEMSLayerOnArm64Tests {
    private static let application = RTEMSToolchain.application
    private static let stub = RTEMSToolchain.stub

    @Test(arguments: [2, 3] as [UInt8]) func theApplicationRunsInItsCell(gic: UInt8) async throws {
        let inmate = try inmate(try link("\(Self.application)/applications/heartbeat.c"), gic: gic)
        try await inmate.passesAsHeartbeat()
    }

    /// Memory, clock, interrupts, console and the end.
    @Test(arguments: [2, 3] as [UInt8]) func theLayerPasses(gic: UInt8) async throws {
        let inmate = try inmate(try link("\(Self.stub)/arm64/layer_test.c"), gic: gic)
        try await inmate.passes("layer")
        #expect(inmate.output.contains("by the device\n"))
        #expect(inmate.events.printed.isEmpty)
    }

    /// The timer's interrupt answers, whatever the tasks do.
    @Test func aProgramThatSpinsIsShutDown() async throws {
        let inmate = try inmate(try link("\(Self.stub)/arm64/layer_test.c", test: "spin"))
        try await inmate.prints("spins")
        inmate.machine.send(1)
        try await inmate.answers(3)
        try await inmate.reaches(state: 2)
        #expect(inmate.events.violations.isEmpty)
    }

    /// In a task, before the layer has begun, by an exception.
    @Test(arguments: [
        ("fatal", "another source, code 7 (0x7)"), ("before", "another source, code 8 (0x8)"),
        ("x", "another source, class 0x00, syndrome 0x02000000 at 0x4000"),
    ])
    func aFatalErrorIsReported(test: String, reason: String) async throws {
        let inmate = try inmate(try link("\(Self.stub)/arm64/layer_test.c", test: test))
        try await inmate.reaches(state: 3)
        // where the daemon finds it
        try await inmate.events.wait(for: "the virtual console") { $0.printed.contains("cell: fatal error: \(reason)") }
        #expect(inmate.events.violations.isEmpty)
    }

    private func inmate(_ image: [UInt8], gic: UInt8 = 3) throws -> RunningInmate {
        try RunningInmate(
            "arm64/rtems", image: image, in: TestMachine(.arm64), system: Arm64ExecutionTests.system(gic: gic))
    }

    /// The layer and a program, everything but RTEMS itself.
    ///
    /// - Parameter test: what `layer_test.c` is to do.
    private func link(_ program: String, test: String? = nil) throws -> [UInt8] {
        try RTEMSToolchain.withTemporaryFolder { folder in
            let flags =
                RTEMSToolchain.warnings + [
                    "-target", "aarch64-none-elf", "-ffreestanding", "-nostdlibinc", "-fno-pic", "-mgeneral-regs-only",
                    "-I\(Self.stub)/arm64/include", "-I\(Self.stub)/include", "-I\(Self.application)",
                    "-I\(Self.application)/include",
                ] + (test.map { ["-DTEST=\"\($0)\""] } ?? [])
            let layer = Self.application + "/arm64"
            let parts = try FileManager.default.contentsOfDirectory(atPath: layer).filter { !$0.hasSuffix(".h") }
            let sources =
                parts.sorted().map { "\(layer)/\($0)" } + [
                    "\(Self.application)/layer/arguments.c", "\(Self.application)/region.c",
                    "\(Self.stub)/arm64/board.c",
                    program,
                ]
            let objects = sources.indices.map { "\(folder)/\($0).o" }
            for (source, object) in zip(sources, objects) {
                try RTEMSToolchain.run("clang", flags + ["-c", source, "-o", object])
            }
            try RTEMSToolchain.run(
                "ld.lld",
                ["-m", "aarch64elf", "-T", "\(Self.stub)/arm64/standin.ld", "-o", "\(folder)/program.exe"] + objects)
            return Array(try Data(contentsOf: URL(filePath: "\(folder)/program.exe")))
        }
    }
}

/// Real RTEMS programs in a cell for Arm64: RTEMS_ARM64_IMAGES names the folder in which `make -C inmates/rtems
/// ARCHITECTURE=arm64` has built them. RTEMS is no part of this project, so without that they are not run.
@Suite(.enabled(if: RTEMSToolchain.arm64Images != nil, "RTEMS_ARM64_IMAGES is not set: no program with RTEMS"))
struct RTEMSOnArm64Tests {
    @Test(arguments: [2, 3] as [UInt8]) func theApplicationRunsInItsCell(gic: UInt8) async throws {
        let path = try #require(RTEMSToolchain.arm64Images) + "/heartbeat.exe"
        let inmate = try RunningInmate(
            "arm64/rtems", image: Array(try Data(contentsOf: URL(filePath: path))), in: TestMachine(.arm64),
            system: Arm64ExecutionTests.system(gic: gic))
        try await inmate.passesAsHeartbeat()
    }
}

extension RunningInmate {
    /// It prints, ticks, answers and ends.
    fileprivate func passesAsHeartbeat() async throws {
        try await prints("heartbeat: begins")
        try await prints("heartbeat: 2")
        #expect(machine.state == 0)
        machine.send(2)
        try await answers(4)
        machine.send(1)
        try await answers(3)
        try await reaches(state: 2)
        #expect(output.contains("heartbeat: shutting down after "))
        #expect(events.violations.isEmpty)
    }
}
