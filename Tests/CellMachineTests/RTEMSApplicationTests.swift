// SPDX-License-Identifier: Apache-2.0

import CellMachine
import Foundation
import Testing

/// `inmates/rtems` without RTEMS: its driver of the communication region and its arithmetic of ticks on this machine;
/// the layer with programs in cells, compiled against RTEMS/include with RTEMS/board.c in the place of RTEMS.
@Suite struct RTEMSApplicationTests {
    private static let application = RTEMSToolchain.application
    private static let stub = RTEMSToolchain.stub
    private static let warnings = RTEMSToolchain.warnings

    @Test func theDriverKeepsTheProtocol() throws {
        try RTEMSToolchain.withTemporaryFolder { folder in
            try RTEMSToolchain.run(
                "clang",
                Self.warnings + [
                    "-I\(Self.application)", "\(Self.application)/region.c", "\(Self.stub)/region_test.c", "-o",
                    folder + "/test",
                ])
            try RTEMSToolchain.run(folder + "/test", [])
        }
    }

    @Test func ticksDoNotDrift() throws {
        try RTEMSToolchain.withTemporaryFolder { folder in
            try RTEMSToolchain.run(
                "clang",
                Self.warnings + ["-I\(Self.application)", "\(Self.stub)/ticks_test.c", "-o", folder + "/test"])
            try RTEMSToolchain.run(folder + "/test", [])
        }
    }

    @Test func theApplicationRunsInItsCell() async throws {
        let image = try link("\(Self.application)/applications/heartbeat.c")
        let inmate = try RunningInmate("rtems-heartbeat", image: image)
        try await inmate.prints("heartbeat: PM timer at port 0x608")
        try await inmate.prints("heartbeat: 1")
        #expect(inmate.machine.state == 0)
        inmate.machine.send(2)
        try await inmate.answers(4)
        inmate.machine.send(1)
        try await inmate.answers(3)
        try await inmate.reaches(state: 2)
        #expect(inmate.output.contains("heartbeat: shutting down after "))
        #expect(inmate.events.violations.isEmpty)
    }

    /// Clock, interrupts by message, polled console, PCI and the end, with COM1's ports and with none.
    @Test(arguments: ["rtems-heartbeat", "rtems-virtual"]) func theLayerPasses(cell: String) async throws {
        let inmate = try RunningInmate(cell, image: try link("\(Self.stub)/layer_test.c"))
        try await inmate.passes("layer")
        #expect(inmate.output.contains("polled\n"))
        #expect(inmate.events.serial.isEmpty == (cell == "rtems-virtual"))
    }

    /// The console by the interrupt of the cell's own pin, both ways.
    @Test func theConsoleWorksByInterrupt() async throws {
        let inmate = try RunningInmate("rtems-console", image: try link("\(Self.stub)/layer_test.c"))
        try await inmate.passes("layer")
        #expect(inmate.output.contains("by interrupt\n"))
    }

    /// The region reports no frequency of the local APIC's timer where Linux uses the TSC's deadline. QEMU's processor has
    /// none, so the count is used all the same.
    @Test func theClockTicksWithoutAFrequencyThatIsTold() async throws {
        let inmate = try RunningInmate("rtems-heartbeat", image: try link("\(Self.stub)/layer_test.c", test: "untold"))
        try await inmate.passes("layer")
        #expect(inmate.output.contains("PASS clock: measured, not told"))
    }

    /// In a task, before the layer has begun, by an exception.
    @Test(arguments: [
        ("fatal", "another source, code 7 (0x7)"), ("before", "another source, code 8 (0x8)"),
        ("x", "another source, exception 13 (general protection) at 0x123456"),
    ])
    func aFatalErrorIsReported(test: String, reason: String) async throws {
        let inmate = try RunningInmate("rtems-heartbeat", image: try link("\(Self.stub)/layer_test.c", test: test))
        try await inmate.reaches(state: 3)
        try await inmate.prints("cell: fatal error: \(reason)")
        // where the daemon finds it, too
        try await inmate.events.wait(for: "the virtual console") { $0.printed.contains("cell: fatal error: \(reason)") }
        #expect(inmate.events.violations.isEmpty)
    }

    /// Two cells on one wire, without a protocol; one has no COM1.
    @Test func theNetworkCardSendsAndReceives() async throws {
        let machine = try TestMachine()
        let image = try link("\(Self.stub)/card_test.c", drivers: ["pci_device.c", "e1000.c"])
        let cells = try ["rtems-network-a", "rtems-network-b"].enumerated().map { slot, cell in
            try RunningInmate(cell, image: image, in: machine, slot: slot)
        }
        for cell in cells { try await cell.passes("card") }
        #expect(cells[0].events.serial.isEmpty)
    }

    /// `/dev/ivshmem0` at both ends.
    @Test func sharedMemoryIsADevice() async throws {
        for cell in try memoryLink("link", driver: "ivshmem.c") { try await cell.passes("link") }
    }

    /// Without a protocol; the second end is restarted, and the first one notices.
    @Test func sharedMemoryIsANetwork() async throws {
        let cells = try memoryLink("frames", driver: "ivshmem_network.c")
        try await cells[1].passes("frames")
        cells[1].events.clear()
        try cells[1].machine.park()
        try cells[1].load()
        try cells[1].machine.start()
        for cell in cells { try await cell.passes("frames") }
    }

    /// Two cells with memory between them, which run `TEST_test.c`.
    private func memoryLink(_ test: String, driver: String) throws -> [RunningInmate] {
        let machine = try TestMachine()
        let image = try link(
            "\(Self.stub)/\(test)_test.c", drivers: ["pci_device.c", "ivshmem_device.c", driver],
            standIns: ["files.c"])
        return try ["rtems-veth-a", "rtems-veth-b"].enumerated().map { slot, cell in
            try RunningInmate(cell, image: image, in: machine, slot: slot)
        }
    }

    @Test func memoryIsNotToReachIntoTheRegion() throws {
        _ = #expect(throws: (any Error).self) {
            try link("\(Self.application)/applications/heartbeat.c", ramSize: "0x980000")
        }
    }

    /// The layer and a program, everything but RTEMS itself.
    ///
    /// - Parameters:
    ///   - drivers: those that the program uses.
    ///   - standIns: for parts of RTEMS that only some drivers need.
    ///   - test: what `layer_test.c` is to do, where the command line does not say it.
    private func link(
        _ program: String, drivers: [String] = [], standIns: [String] = [], ramSize: String = "0x800000",
        test: String? = nil
    ) throws -> [UInt8] {
        try RTEMSToolchain.withTemporaryFolder { folder in
            let flags =
                Self.warnings + [
                    "-target", "i386-none-elf", "-ffreestanding", "-nostdlibinc", "-fno-pic", "-mno-sse",
                    "-I\(Self.stub)/include", "-I\(Self.application)", "-I\(Self.application)/include",
                ] + (test.map { ["-DTEST=\"\($0)\""] } ?? [])
            let layer = Self.application + "/layer"
            let parts = try FileManager.default.contentsOfDirectory(atPath: layer).filter { !$0.hasSuffix(".h") }
            let sources =
                parts.sorted().map { "\(layer)/\($0)" } + drivers.map { "\(Self.application)/drivers/\($0)" }
                + standIns.map { "\(Self.stub)/\($0)" } + [
                    "\(Self.application)/region.c", "\(Self.stub)/board.c", program,
                ]
            let objects = sources.indices.map { "\(folder)/\($0).o" }
            for (source, object) in zip(sources, objects) {
                try RTEMSToolchain.run("clang", flags + ["-c", source, "-o", object])
            }
            try RTEMSToolchain.run(
                "ld.lld",
                [
                    "-m", "elf_i386", "-T", "\(Self.stub)/standin.ld", "--defsym=RamSize=\(ramSize)",
                    "--defsym=communication_region=0x900000", "\(Self.application)/region.ld", "-o",
                    "\(folder)/program.exe",
                ] + objects)
            return Array(try Data(contentsOf: URL(filePath: "\(folder)/program.exe")))
        }
    }
}
