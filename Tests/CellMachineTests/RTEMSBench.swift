// SPDX-License-Identifier: Apache-2.0

import CellMachine
import Foundation
import Testing

/// How soon real RTEMS programs answer a shutdown request, and whether they start again each time: Tests/Programs/bench/rtems.sh.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["RTEMS_BENCH_IMAGES"] != nil))
struct RTEMSBench {
    private static let environment = ProcessInfo.processInfo.environment
    private static let images = (environment["RTEMS_BENCH_IMAGES"] ?? "").split(separator: ":").map(String.init)
    private static let rounds = environment["RTEMS_BENCH_ROUNDS"].flatMap { Int($0) } ?? 100

    /// Each round is a restart without a new machine: parked, loaded, started.
    @Test(arguments: images) func restartsAndAnswers(path: String) async throws {
        let image = Array(try Data(contentsOf: URL(filePath: path)))
        let inmate = try RunningInmate("rtems-heartbeat", image: image)
        let machine = inmate.machine
        var (starts, answers): ([Double], [Double]) = ([], [])
        for round in 1...RTEMSBench.rounds {
            if round > 1 {
                inmate.events.clear()
                try machine.park()
                try inmate.load()
            }
            let begin = ContinuousClock.now
            if round > 1 { try machine.start() }
            try await inmate.events.wait(for: "output of round \(round)", 60) { !$0.serial.isEmpty }
            if round > 1 { starts.append((inmate.events.firstSerial - begin) / .milliseconds(1)) }
            // anywhere between two ticks, and after the program's own initialization
            try await Task.sleep(for: .microseconds(.random(in: 100_000...150_000)))
            answers.append(try answer(of: machine))
            try #require(machine.reply == 3, "round \(round)")
            try await inmate.reaches(state: 2)
        }
        #expect(inmate.events.violations.isEmpty)
        let name = URL(filePath: path).lastPathComponent
        Swift.print("\(name): \(answers.count) of \(RTEMSBench.rounds) starts came up")
        RTEMSBench.print("\(name): start to first output", starts)
        RTEMSBench.print("\(name): shutdown request to answer", answers, limit: 25)
    }

    /// In milliseconds.
    private func answer(of machine: CellMachine) throws -> Double {
        let begin = ContinuousClock.now
        machine.send(1)
        while machine.reply == 0 {
            try #require(ContinuousClock.now - begin < .seconds(20), "no answer")
            usleep(100)
        }
        return (ContinuousClock.now - begin) / .milliseconds(1)
    }

    private static func print(_ what: String, _ times: [Double], limit: Double? = nil) {
        let sorted = times.sorted()
        guard let least = sorted.first, let most = sorted.last else { return }
        let late = limit.map { limit in ", \(sorted.count { $0 >= limit }) of them \(Int(limit)) ms or more" } ?? ""
        let figures = [("median", sorted[sorted.count / 2]), ("least", least), ("most", most)]
            .map { "\($0) \(String(format: "%.1f", $1)) ms" }.joined(separator: ", ")
        Swift.print("\(what): \(figures) of \(sorted.count)\(late)")
    }
}
