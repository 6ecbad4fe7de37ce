import CellMachine
import Foundation
import Testing

/// `inmates/rtems`, without RTEMS: its driver of the communication region on this machine, and the whole application
/// in a cell, compiled against RTEMS/include with RTEMS/board.c in the place of RTEMS.
@Suite struct RTEMSApplicationTests {
    private static let application = TestMachine.root + "/../../inmates/rtems"
    private static let stub = TestMachine.root + "/RTEMS"
    private static let warnings = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]

    @Test func theDriverKeepsTheProtocol() throws {
        try withTemporaryFolder { folder in
            try run(
                "clang",
                Self.warnings + [
                    "-I\(Self.application)", "\(Self.application)/region.c", "\(Self.stub)/region_test.c", "-o",
                    folder + "/test",
                ])
            try run(folder + "/test", [])
        }
    }

    @Test func theApplicationRunsInItsCell() async throws {
        let inmate = try RunningInmate("rtems-heartbeat", image: try withTemporaryFolder { try link(in: $0) })
        try await inmate.prints("heartbeat: communication region at 0x900000, PM timer at port 0x608\n")
        try await inmate.prints("heartbeat: 1\n")
        #expect(inmate.machine.state == 0)
        inmate.machine.send(2)
        try await inmate.answers(4)
        inmate.machine.send(1)
        try await inmate.answers(3)
        try await inmate.reaches(state: 2)
        #expect(inmate.output.contains("heartbeat: shutting down after "))
        #expect(inmate.events.violations.isEmpty)
    }

    @Test func memoryIsNotToReachIntoTheRegion() throws {
        try withTemporaryFolder { folder in
            _ = #expect(throws: (any Error).self) { try link(in: folder, ramSize: "0x980000") }
        }
    }

    /// Everything but RTEMS itself, as its Makefile links it.
    private func link(in folder: String, ramSize: String = "0x800000") throws -> [UInt8] {
        let flags =
            Self.warnings + [
                "-target", "i386-none-elf", "-ffreestanding", "-fno-pic", "-mno-sse", "-I\(Self.stub)/include",
                "-I\(Self.application)",
            ]
        let sources =
            ["heartbeat", "region", "bsp_start"].map { "\(Self.application)/\($0).c" } + ["\(Self.stub)/board.c"]
        var objects: [String] = []
        for source in sources {
            objects.append("\(folder)/\(objects.count).o")
            try run("clang", flags + ["-c", source, "-o", objects[objects.count - 1]])
        }
        try run(
            "ld.lld",
            [
                "-m", "elf_i386", "-e", "entry", "--image-base=0x100000", "-N", "--defsym=RamSize=\(ramSize)",
                "--defsym=communication_region=0x900000", "\(Self.application)/region.ld", "-o",
                "\(folder)/heartbeat.exe",
            ] + objects)
        return Array(try Data(contentsOf: URL(filePath: "\(folder)/heartbeat.exe")))
    }

    private func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = NSTemporaryDirectory() + "rtems-application-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    /// - Parameter tool: a path, or one of those beside the Swift compiler.
    private func run(_ tool: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        let search = "PATH=\"$(dirname \"$(realpath \"$(command -v swiftc)\")\"):$PATH\"; exec \"$@\""
        process.arguments = ["-c", search, "sh", tool] + arguments
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        struct Failure: Error {
            var text: String
        }
        guard process.terminationStatus == 0 else { throw Failure(text: "\(tool) \(arguments): \(text)") }
    }
}
