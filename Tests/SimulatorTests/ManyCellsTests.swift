// SPDX-License-Identifier: Apache-2.0

import JailhouseInterface
import CellConfiguration
import Foundation
import Simulator
import SystemCalls
import Testing

private let execution = try? ExecutionSettings.find()

/// Cells that execute, without a daemon: as many as can at a time and one more; their consoles.
@Suite(.serialized, .enabled(if: execution != nil, "QEMU runs the cells"))
struct ManyCellsTests {
    private static let limit = 16

    /// A megabyte of RAM at 0, where the cell begins, and COM1.
    private func cell(_ number: Int) -> CellDescriptor {
        CellDescriptor(
            name: "cell-\(number)", flags: .passiveCommunicationRegion, cpus: CPUSet([number]),
            memoryRegions: [
                MemoryRegion(physicalStart: place(number), size: 1 << 20, flags: [.read, .write, .execute, .loadable])
            ], ioPortRegions: [IOPortRegion(base: 0x3f8, count: 8)])
    }

    private func place(_ number: Int) -> UInt64 { 0x3000_0000 + UInt64(number) << 20 }

    @Test func sixteenExecuteAndTheNextOneFails() throws {
        let directory = try TemporaryDirectory()
        let reports = Reports()
        let machine = try SimulatedMachine(
            directory: directory.path + "/machine", settings: MachineSettings(cpus: 18, timing: .none),
            cells: .executing(try #require(execution)), onReport: { reports.add($0) })
        defer { machine.stop() }
        let system = try Samples.system(cpus: 18).binary()
        machine.change { _ = $0.submit(.enable(system)) }
        for number in 1...ManyCellsTests.limit + 1 {
            let configuration = try cell(number).binary()
            // mov dx, 0x3f8; mov al, letter; out dx, al; hlt
            machine.memory.write([0xba, 0xf8, 0x03, 0xb0, letter(number), 0xee, 0xf4], at: place(number))
            machine.change { machine in
                _ = machine.submit(.create(configuration))
                _ = machine.submit(.start(.name("cell-\(number)")))
            }
        }
        try wait("all have been started") {
            machine.machine.cells.count { $0.starts == 1 } == ManyCellsTests.limit + 1
        }
        for number in 1...ManyCellsTests.limit {
            #expect(try firstOutput(of: number, machine) == letter(number))
        }
        try wait("the last one fails") { machine.machine.cells.last?.state == .failed }
        #expect(reports.all.contains { $0.contains("no more than 16 cells can execute at a time") })

        // the place of one that goes is the next one's
        machine.change { machine in
            _ = machine.submit(.destroy(.name("cell-1")))
            _ = machine.submit(.start(.name("cell-17")))
        }
        #expect(try firstOutput(of: 17, machine) == letter(17))
    }

    @Test func whatIsTypedReachesTheInmate() throws {
        let directory = try TemporaryDirectory()
        let machine = try SimulatedMachine(
            directory: directory.path + "/machine", settings: MachineSettings(timing: .none),
            cells: .executing(try #require(execution)))
        defer { machine.stop() }
        // wait for a character of COM1, add one, print it, and again
        let code: [UInt8] = [
            0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xf8, 0xba, 0xf8, 0x03, 0xec, 0xfe, 0xc0, 0xee, 0xeb, 0xef,
        ]
        machine.memory.write(code, at: place(1))
        let (system, configuration) = (try Samples.system().binary(), try cell(1).binary())
        machine.change { machine in
            for request in [Request.enable(system), .create(configuration), .start(.name("cell-1"))] {
                _ = machine.submit(request)
            }
        }
        try wait("it has been started") { machine.machine.cells.last?.starts == 1 }
        let console = try SimulatedMachine.openConsole(ofCell: "cell-1", inMachineAt: machine.directory.path)
        try SystemCall.write(Array("HAL".utf8), to: console.rawValue)
        var text: [UInt8] = []
        while text.count < 3 {
            var waited = pollfd(fd: console.rawValue, events: Int16(POLLIN), revents: 0)
            try #require(poll(&waited, 1, 60_000) > 0, "it prints \(text)")
            var bytes = [UInt8](repeating: 0, count: 8)
            let count = try bytes.withUnsafeMutableBytes { try SystemCall.read(console.rawValue, into: $0) }
            text += bytes[..<count]
        }
        #expect(text == Array("IBM".utf8))
    }

    private func firstOutput(of number: Int, _ machine: SimulatedMachine) throws -> UInt8 {
        let console = try SimulatedMachine.openConsole(ofCell: "cell-\(number)", inMachineAt: machine.directory.path)
        var waited = pollfd(fd: console.rawValue, events: Int16(POLLIN), revents: 0)
        try #require(poll(&waited, 1, 60_000) > 0, "cell \(number) prints nothing")
        var byte: [UInt8] = [0]
        _ = try byte.withUnsafeMutableBytes { try SystemCall.read(console.rawValue, into: $0) }
        return byte[0]
    }

    private func letter(_ number: Int) -> UInt8 { UInt8(ascii: "A") + UInt8(number) }

    private func wait(_ what: String, _ condition: () -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !condition() {
            try #require(ContinuousClock.now < deadline, "\(what)")
            usleep(5000)
        }
    }
}

private final class Reports: @unchecked Sendable {
    // guarded by the lock
    private let lock = NSLock()
    private var lines: [String] = []

    var all: [String] { lock.withLock { lines } }

    func add(_ line: String) { lock.withLock { lines.append(line) } }
}
