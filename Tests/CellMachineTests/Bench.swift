// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellMachine
import Foundation
import Testing

/// How fast a cell that executes is, and what it costs: Tests/Programs/bench/cell-machine.sh.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["CELL_MACHINE_BENCH"] != nil))
struct Bench {
    private static let rounds = 30

    /// A cell that prints and then idles.
    private struct Sample: Sendable, CustomTestStringConvertible {
        let architecture: Architecture
        let inmate: String
        /// The first characters that it prints.
        let first: String
        let line: String

        static let all = [
            Sample(architecture: .x86, inmate: "idle", first: "i", line: "idle\n"),
            Sample(architecture: .arm64, inmate: "inmates/hello-arm64", first: "h", line: "\n"),
        ]

        var testDescription: String { "\(architecture)" }
        var descriptor: CellDescriptor { architecture == .x86 ? TestMachine.cell() : Arm64ExecutionTests.cell() }
    }

    @Test(arguments: Sample.all)
    private func spawnToFirstOutput(sample: Sample) async throws {
        let machine = try TestMachine(sample.architecture)
        let descriptor = sample.descriptor
        try machine.load(sample.inmate, into: descriptor)
        var times: [Double] = []
        for _ in 0..<Bench.rounds {
            let events = Events()
            let begin = ContinuousClock.now
            let cell = try CellMachine(
                cell: descriptor, slot: 0, settings: machine.settings, onEvent: { events.add($0) })
            try cell.start()
            try await events.serial(sample.first)
            times.append(Bench.milliseconds(events.firstSerial - begin))
        }
        Bench.print("spawn to first output, \(sample.architecture)", times)
    }

    @Test(arguments: Sample.all)
    private func restart(sample: Sample) async throws {
        let machine = try TestMachine(sample.architecture)
        let descriptor = sample.descriptor
        let cell = try machine.run(sample.inmate, in: descriptor)
        try await cell.events.serial(sample.line)
        var times: [Double] = []
        for _ in 0..<Bench.rounds * 3 {
            cell.events.clear()
            let begin = ContinuousClock.now
            try cell.machine.park()
            try machine.load(sample.inmate, into: descriptor)
            try cell.machine.start()
            try await cell.events.serial(sample.first)
            times.append(Bench.milliseconds(cell.events.firstSerial - begin))
            try await cell.events.serial(sample.line)
        }
        Bench.print("restart to first output, \(sample.architecture)", times)
    }

    @Test(arguments: Sample.all)
    private func idleCell(sample: Sample) async throws {
        let machine = try TestMachine(sample.architecture)
        // the one that greets looks for messages all the time
        let inmate = sample.architecture == .x86 ? sample.inmate : "inmates/misbehave-arm64"
        let cell = try machine.run(
            inmate, in: sample.descriptor, commandLine: sample.architecture == .x86 ? nil : "mode=halt")
        let process = try #require(cell.machine.processID)
        try await Task.sleep(for: .seconds(1))
        let before = try Bench.ticks(of: process)
        try await Task.sleep(for: .seconds(10))
        let percent = Double(try Bench.ticks(of: process) - before) / Double(sysconf(Int32(_SC_CLK_TCK))) * 10
        Swift.print("idle cell, \(sample.architecture): \(percent) % of a CPU; \(try Bench.memory(of: process))")
    }

    @Test func doorbell() async throws {
        let machine = try TestMachine()
        let cells = try [0, 1].map { end in
            try machine.run("ring", in: LinkTests.cell("end \(end)", end: UInt8(end)), slot: end, mode: 0)
        }
        for cell in cells { try await cell.events.serial("ready\n") }
        try machine.memory.write([1], at: 0x1000_9000)
        try await cells[0].events.serial("\ndone\n")
        let ticks = try #require(UInt32(cells[0].events.serial.split(separator: "\n")[1], radix: 16))
        Swift.print("doorbell to the other cell and back: \(Double(ticks) / 3579.545) us, mean of 1000")
    }

    private static func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }

    private static func print(_ what: String, _ times: [Double]) {
        let sorted = times.sorted()
        let text = [("median", sorted[sorted.count / 2]), ("least", sorted[0]), ("most", sorted[sorted.count - 1])]
            .map { "\($0) \(String(format: "%.1f", $1)) ms" }.joined(separator: ", ")
        Swift.print("\(what): \(text) of \(times.count)")
    }

    /// Of CPU time, by the clock of sysconf(3).
    static func ticks(of process: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        return (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
    }

    private static func memory(of process: Int32) throws -> String {
        try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("VmRSS") || $0.hasPrefix("RssAnon") }
            .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }.joined(separator: ", ")
    }
}
