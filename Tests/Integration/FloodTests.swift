// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// Hostile clients of two users, all kinds at once: cells are restarted as fast as ever, and others are served.
@Suite("A flood of hostile clients", .serialized) struct FloodTests {
    /// The poll interval, in seconds: what is below is how long it was until the next look.
    private static let floor = 0.010
    /// Pairs of restarts after which it is judged; on a busy machine more of them are needed.
    private static let rounds = (fewest: 20, most: 120)
    private static let memoryGrowth = 64 << 20

    @Test("From failure to restart in twice the time at the most; memory stays bounded; clients are served")
    func flood() async throws {
        let machine = try await LiveMachine.start(cells: [
            "rtems": try Definitions.rtems(
                ("restart = \"on-failure\"", "restart = \"always\""), ("delay = \"100 ms\"", "delay = \"0 ms\""),
                ("attempts = 5", "attempts = 1000"))
        ])
        #expect(try await machine.control("start", "rtems").status == 0)
        let daemon = try machine.daemonProcess()
        let before = daemon.residentMemory
        let descriptors = daemon.descriptors

        // one who takes all places that he can get, and one with all that can be said
        let hostile = [
            try machine.hostileClients(as: "65533"), try machine.hostileClients(as: "65534", "crowd"),
        ]
        for program in hostile {
            try await eventually("they are all at it: \(program.errors)", within: .seconds(60)) {
                program.output.contains("ready")
            }
        }
        let polite = PoliteClient(machine, daemon)
        try await Task.sleep(for: .seconds(3))
        let served = try await polite.end()

        // by turns, so that what else the machine does counts for both
        var quiet: [Double] = []
        var disturbed: [Double] = []
        for round in 1...Self.rounds.most {
            for program in hostile { program.signal(SIGSTOP) }
            try await machine.restartTime(of: "rtems").map { quiet.append($0) }
            for program in hostile { program.signal(SIGCONT) }
            try await Task.sleep(for: .milliseconds(20))
            try await machine.restartTime(of: "rtems").map { disturbed.append($0) }
            if round % Self.rounds.fewest == 0, isAsFast(disturbed, as: quiet) { break }
        }
        let answers = served.times
        let mostMemory = max(served.mostMemory, daemon.residentMemory)
        var refusals = ""
        for program in hostile {
            program.closeInput()
            let ended = try await program.end()
            #expect(ended.status == 0, "\(ended.errors)")
            refusals += ended.output
        }
        print(
            """
            restart: \(milliseconds(median(quiet))) undisturbed, \(milliseconds(median(disturbed))) disturbed; \
            answers: \(milliseconds(median(answers))), at most \(milliseconds(answers.max() ?? 0)) of \(answers.count); \
            memory: \(before >> 20) MiB before, at most \(mostMemory >> 20) MiB
            """)
        #expect(quiet.count >= 10 && disturbed.count >= 10 && isAsFast(disturbed, as: quiet))
        // as quick as the machine is meanwhile
        #expect(answers.count > 10 && median(answers) < max(0.25, 2 * median(quiet)) && (answers.max() ?? 10) < 5)
        for limit in ["message-size", "message-depth", "connections"] { #expect(refusals.contains(limit)) }
        #expect(mostMemory - before < Self.memoryGrowth)
        try await eventually("nothing of them is left") { daemon.descriptors <= descriptors + 2 }
        #expect(try await machine.control("stop", "rtems").status == 0)
    }

    private func isAsFast(_ disturbed: [Double], as quiet: [Double]) -> Bool {
        median(disturbed) <= 2 * max(median(quiet), Self.floor)
    }

    private func milliseconds(_ seconds: Double) -> String { "\((seconds * 10_000).rounded() / 10) ms" }

    private func median(_ times: [Double]) -> Double {
        times.isEmpty ? .infinity : times.sorted()[times.count / 2]
    }
}

/// A client that asks, waits for the answer, and asks again, by both sockets; and looks at the daemon's memory.
private final class PoliteClient: Sendable {
    struct Served {
        var times: [Double] = []
        var mostMemory = 0
        var failure: String?
    }

    private let work: BackgroundWork<Served>
    private let ended = Flag()

    init(_ machine: LiveMachine, _ daemon: ProcessFiles) {
        let ended = ended
        work = BackgroundWork {
            var served = Served()
            // beside other tests, a dozen answers may take longer
            while !ended.isSet || served.times.count < 12 && served.failure == nil {
                for socket in ["control", "status"] {
                    let start = ContinuousClock.now
                    do {
                        let client = try RawClient(machine, socket: socket)
                        try client.send(#"{"method":"org.jailhoused.Manager.List"}"# + "\0")
                        guard client.text().contains("rtems") else { throw TooLate(description: "no answer") }
                    } catch {
                        served.failure = "\(socket): \(error)"
                    }
                    let time = (ContinuousClock.now - start).components
                    served.times.append(Double(time.seconds) + Double(time.attoseconds) / 1e18)
                }
                served.mostMemory = max(served.mostMemory, daemon.residentMemory)
                usleep(20_000)
            }
            return served
        }
    }

    func end() async throws -> Served {
        ended.set()
        let served = await work.value
        if let failure = served.failure { throw TooLate(description: failure) }
        return served
    }
}
