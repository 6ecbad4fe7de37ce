// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Glibc
import Simulator

@main
struct Soak: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "A day's worth of events in minutes.",
        discussion: """
            A simulated machine, the daemon, cells that fail as soon as they run, and clients that ask for the status all \
            the time. At the end the daemon's memory, descriptors and threads must be as they were after the warm-up, \
            and every restart must have begun when its delay was over.

            What limits the rate: each restart is a load and a start, one after the other on the daemon's one command \
            thread, with a pause of a millisecond between them for the parking of the CPUs.
            """)

    @Option(help: "How many failures, each with its restart.")
    var failures = 100_000

    @Option(help: "How many status requests.")
    var requests = 1_000_000

    @Option(help: "How many cells, 1 to 7.")
    var cells = 6

    @Option(help: "How many failures until the first measurement, to which the last is compared; else a quarter.")
    var warmUp: Int?

    @Option(
        help: ArgumentHelp(
            "Milliseconds after its delay in which a restart must begin, but for one in a hundred.",
            discussion: """
                None may begin later than ten times that. In addition to what the machine adds to the sleeps of a thread \
                that does nothing else.
                """))
    var lateness = 10.0

    @Option(help: ArgumentHelp("Where jailhoused is; otherwise beside this program.", valueName: "directory"))
    var programs: String?

    func validate() throws {
        guard (1...7).contains(cells), requests >= 0, failures >= 4 else {
            throw ValidationError("cells must be 1 to 7, failures 4 or more, and requests none or more")
        }
        if let warmUp, !(1...failures / 2).contains(warmUp) {
            throw ValidationError("the warm-up must be at least one failure, and half of all at the most")
        }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let place = try SoakPlace(cells: cells)
        defer { place.remove() }
        let machine = try SimulatedMachine(
            directory: place.machine, settings: MachineSettings(cpus: 8, timing: .none, seed: 1))
        defer { machine.stop() }
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
        let daemon = try SoakedDaemon(
            program: (programs ?? beside) + "/jailhoused", place: place, environment: try machine.environment)
        defer { daemon.end() }
        try daemon.waitUntilItAnswers(on: place.status)

        let faults = Faults(machine: machine, socket: place.status, cells: place.cells, wanted: failures)
        let inquiries = Inquiries(socket: place.status, cells: place.cells, wanted: requests)
        let metronome = Metronome()
        let began = ContinuousClock.now
        metronome.begin()
        faults.begin()
        inquiries.begin()
        func wait(until isReached: () -> Bool) throws {
            while !isReached() {
                usleep(2000)
                guard daemon.isRunning else { throw Finding("the daemon ended by itself") }
                if let problem = faults.problem ?? inquiries.problem { throw Finding(problem) }
                if faults.count == 0, ContinuousClock.now - began > .seconds(30) {
                    throw Finding("no cell has run and failed: \(daemon.lastWords)")
                }
            }
        }
        let warmUp = warmUp ?? failures / 4
        try wait { faults.count >= warmUp }
        let first = try daemon.resources()
        let counted = faults.count
        try wait { faults.isDone && inquiries.isDone }
        let took = ContinuousClock.now - began
        let last = try daemon.resources()
        // what is to be seen happens between the two
        guard faults.count - counted >= warmUp / 2 else {
            throw Finding("of \(faults.count) failures, \(counted) were before the first measurement: ask for more")
        }
        let report = SoakReport(
            took: took, failures: faults.count, requests: inquiries.count, restarts: faults.restarts, first: first,
            last: last, warmUp: warmUp, missed: faults.missed, sleeps: metronome.lateness)
        print(report.table)
        let wrong = report.findings(lateness: .milliseconds(lateness))
        for finding in wrong { print("wrong: \(finding)") }
        if !wrong.isEmpty { throw ExitCode.failure }
    }
}

/// What must not be.
struct Finding: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
