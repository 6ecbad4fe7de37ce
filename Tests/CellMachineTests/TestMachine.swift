// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellMachine
import Foundation
import Testing

/// A simulated machine in a directory of its own.
final class TestMachine {
    let directory: String
    let memory: MachineMemory
    var settings: CellMachineSettings

    static let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().path
    private static let monitor = root + "/../../Sources/CellMonitor"

    static let numbers = HypervisorNumbers(
        memoryPages: 1000, memoryUsed: 211, remapPages: 131_072, remapUsed: 65_540, cells: 3, cpus: 8)

    init(_ architecture: Architecture = .x86) throws {
        try Inmates.buildOnce.get()
        directory = "/dev/shm/cell-machine-\(getpid())-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let isArm = architecture == .arm64
        memory = try MachineMemory(
            path: directory + "/memory", size: isArm ? MachineLayout.armFileSize(memoryEnd: 4 << 30) : 4 << 30,
            layout: MachineLayout(architecture))
        try memory.tell(TestMachine.numbers)
        settings = CellMachineSettings(
            emulator: isArm ? "/usr/bin/qemu-system-aarch64" : "/usr/bin/qemu-system-x86_64",
            firmware: TestMachine.monitor + "/build/cell-firmware.bin",
            monitor: TestMachine.monitor + "/build/cell-monitor\(isArm ? "-arm64" : "").bin", directory: directory,
            memoryFile: memory.path, memorySize: memory.size)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// 1 MiB of RAM at 0, the communication region behind it, COM1.
    static func cell(_ name: String = "test", cpus: [Int] = [1], at physical: UInt64 = 0x1000_0000) -> CellDescriptor {
        CellDescriptor(
            name: name, flags: [.virtualConsolePermitted], cpus: CPUSet(cpus),
            memoryRegions: [
                MemoryRegion(physicalStart: physical, size: 0x10_0000, flags: [.read, .write, .execute, .loadable]),
                MemoryRegion(virtualStart: 0x10_0000, size: 0x1000, flags: [.read, .write, .communicationRegion]),
            ],
            ioPortRegions: [IOPortRegion(base: 0x3f8, count: 8)],
            console: Console(kind: .uart8250, address: 0x3f8))
    }

    /// Loads an inmate to the cell's address 0, and starts it.
    func run(
        _ inmate: String, in cell: CellDescriptor, slot: Int = 0, mode: UInt32? = nil,
        commandLine: String? = nil, devices: [SimulatedDevice] = [], system: SystemDescriptor? = nil
    ) throws -> RunningCell {
        let events = Events(of: cell.name)
        let machine = try CellMachine(
            cell: cell, system: system, slot: slot, devices: devices, settings: settings, onEvent: { events.add($0) })
        try load(inmate, into: cell, mode: mode)
        if let commandLine {
            try memory.write(Array(commandLine.utf8) + [0], at: cell.memoryRegions[0].physicalStart + 0x1000)
        }
        try machine.start()
        return RunningCell(machine: machine, events: events)
    }

    func load(_ inmate: String, into cell: CellDescriptor, mode: UInt32? = nil) throws {
        let physical = cell.memoryRegions[0].physicalStart
        try memory.write(try Inmates.image(inmate), at: physical)
        if let mode { try memory.write(withUnsafeBytes(of: mode) { Array($0) }, at: physical + 0x9000) }
    }
}

struct RunningCell {
    let machine: CellMachine
    let events: Events
}

/// What a cell said, for a test to wait for.
final class Events: @unchecked Sendable {
    // guarded by the condition
    private let condition = NSCondition()
    private var all: [CellMachineEvent] = []
    private var serialBegin: ContinuousClock.Instant?
    /// Of the cell that they are of.
    private let name: String

    init(of name: String = "test") { self.name = name }

    func add(_ event: CellMachineEvent) {
        condition.withLock {
            all.append(event)
            if case .serial = event, serialBegin == nil { serialBegin = .now }
            condition.broadcast()
        }
    }

    func clear() {
        condition.withLock {
            all = []
            serialBegin = nil
        }
    }

    /// When the first byte came out of COM1.
    var firstSerial: ContinuousClock.Instant { condition.withLock { serialBegin ?? .now } }

    var serial: String {
        condition.withLock {
            var bytes: [UInt8] = []
            for case .serial(let more) in all { bytes += more }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    var printed: String {
        condition.withLock { all.map { if case .printed(let text) = $0 { text } else { "" } }.joined() }
    }

    var violations: [[String]] {
        condition.withLock {
            all.compactMap { event in
                guard case .violation(let cpu, let report) = event else { return nil }
                return report.lines(cpu: cpu, cell: name)
            }
        }
    }

    var notes: [String] {
        condition.withLock { all.compactMap { if case .noted(let line) = $0 { line } else { nil } } }
    }

    var end: String? {
        condition.withLock { all.compactMap { if case .ended(let reason) = $0 { reason } else { nil } }.first }
    }

    /// In a thread of its own: Swift's are few.
    func wait(
        for what: String, _ seconds: Double = 20, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: @escaping @Sendable (Events) -> Bool
    ) async throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        let found = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: self.waits(until: deadline, for: condition)) }
        }
        try #require(
            found,
            "\(what) did not come; COM1 \(serial.debugDescription), console \(printed.debugDescription), \(violations), \(notes), \(end ?? "")",
            sourceLocation: sourceLocation)
    }

    func serial(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await wait(for: text.debugDescription, sourceLocation: sourceLocation) { $0.serial.contains(text) }
    }

    private func waits(until deadline: Date, for fulfilled: @Sendable (Events) -> Bool) -> Bool {
        while !fulfilled(self) {
            condition.lock()
            let isInTime = condition.wait(until: min(deadline, Date(timeIntervalSinceNow: 0.05)))
            condition.unlock()
            if !isInTime && Date() > deadline { return fulfilled(self) }
        }
        return true
    }
}

/// The tests' own inmates, assembled by the toolchain's clang.
enum Inmates {
    private static let output = TestMachine.root + "/Inmates/build"

    static let buildOnce = Result {
        try run("/usr/bin/make", ["-C", TestMachine.root + "/../../Sources/CellMonitor"])
        try run("/usr/bin/make", ["-C", TestMachine.root + "/Inmates"])
    }

    /// The project's; `make test` has built them, else it takes a while.
    private static let project = Result {
        let folder = TestMachine.root + "/../../inmates"
        if !FileManager.default.fileExists(atPath: folder + "/build/timer-32.bin") {
            try run("/usr/bin/make", ["-C", folder])
        }
    }

    /// - Parameter name: a test's own, or `inmates/` and one of the project's.
    static func image(_ name: String) throws -> [UInt8] {
        var path = "\(output)/\(name)"
        if name.hasPrefix("inmates/") {
            try project.get()
            path = TestMachine.root + "/../../inmates/build/" + name.dropFirst("inmates/".count)
        }
        return Array(try Data(contentsOf: URL(filePath: path + ".bin")))
    }

    private static func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["--silent"] + arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CellMachineError(.program, "\(program) \(arguments) failed")
        }
    }
}

/// A listener that does not go on until it may.
final class Held: Sendable {
    private let condition = NSCondition()
    nonisolated(unsafe) private var isReached = false  // guarded by the condition
    nonisolated(unsafe) private var isReleased = false

    func wait() {
        condition.withLock {
            isReached = true
            condition.broadcast()
            while !isReleased { condition.wait() }
        }
    }

    func release() {
        condition.withLock {
            isReleased = true
            condition.broadcast()
        }
    }

    func reached() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                self.condition.withLock {
                    while !self.isReached { self.condition.wait() }
                }
                continuation.resume()
            }
        }
    }
}
