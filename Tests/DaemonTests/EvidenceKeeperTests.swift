// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import JailhouseInterface
import Logging
import Supervision
import SystemCalls
import Testing

@testable import Daemon

/// The console is a FIFO, which keeps its reader waiting as the driver's lock does.
@Suite("Evidence that is on its way")
struct EvidenceKeeperTests {
    private final class Console: Sendable {
        let directory = FileManager.default.temporaryDirectory.appending(path: "evidence-\(UUID().uuidString)").path

        init() throws {
            try FileManager.default.createDirectory(atPath: directory + "/cells", withIntermediateDirectories: true)
            // while the hypervisor is disabled, the console is read only when somebody asks
            try Data("0\n".utf8).write(to: URL(filePath: directory + "/enabled"))
            let path = directory + "/console"
            try SystemCall.result(of: "mkfifo", on: path) { mkfifo(path, 0o600) }
        }

        deinit {
            // whoever still waits for a writer reads the end of the file
            let descriptor = open(directory + "/console", O_RDWR | O_NONBLOCK)
            close(descriptor)
            try? FileManager.default.removeItem(atPath: directory)
        }

        /// Waits for the reader.
        func show(_ text: String) async throws {
            try await Task.detached { [directory] in
                try Data(text.utf8).write(to: URL(filePath: directory + "/console"))
            }.value
        }
    }

    private let happenings = Happenings()
    private let failure = FailureRecord(.failed(cpus: [3]), of: Observation(id: 1, state: .failed, failedCPUs: [3]))

    private func keeper(_ console: Console, patience: Duration) async throws -> OnLoop<EvidenceKeeper> {
        let happenings = happenings
        return try await OnLoop { loop in
            let keeper = EvidenceKeeper(eventLoop: loop, logger: Logger(label: "test"), patience: patience)
            keeper.add = { console, failure, name in
                happenings.note("\(name): \(console)")
                return failure
            }
            keeper.isComplete = { happenings.note("complete") }
            try keeper.begin(console.directory)
            return keeper
        }
    }

    @Test("What follows from a failure, and the cell's next command, wait for the console")
    func waits() async throws {
        let (console, happenings, failure) = (try Console(), happenings, failure)
        let keeper = try await keeper(console, patience: .seconds(3600))
        try await keeper.run { keeper in
            #expect(keeper.arrival(of: "rtems") == nil)
            keeper.keep(failure, of: "rtems")
            #expect(keeper.arrival(of: "rtems") != nil)
            keeper.after("rtems") { happenings.note("failed") }
            keeper.after("rtems") { happenings.note("restarting") }
            keeper.after("other") { happenings.note("another cell's") }
        }
        #expect(await happenings.next(1) == ["another cell's"])
        try await console.show("why\n")
        #expect(await happenings.next(4) == ["rtems: why\n", "complete", "failed", "restarting"])
        try await keeper.run { keeper in
            #expect(keeper.arrival(of: "rtems") == nil)
            keeper.after("rtems") { happenings.note("running") }
            keeper.end()
        }
        #expect(await happenings.next(1) == ["running"])
    }

    @Test("Nobody waits longer than the patience, and late evidence is kept all the same")
    func late() async throws {
        let (console, happenings, failure) = (try Console(), happenings, failure)
        let keeper = try await keeper(console, patience: .milliseconds(1))
        try await keeper.run { keeper in
            keeper.keep(failure, of: "rtems")
            keeper.after("rtems") { happenings.note("failed") }
        }
        #expect(await happenings.next(1) == ["failed"])
        try await console.show("why\n")
        #expect(await happenings.next(2) == ["rtems: why\n", "complete"])
        try await keeper.run { $0.end() }
    }

    @Test("At the end everything is announced at once")
    func end() async throws {
        let (console, happenings, failure) = (try Console(), happenings, failure)
        let keeper = try await keeper(console, patience: .seconds(3600))
        try await keeper.run { keeper in
            keeper.keep(failure, of: "rtems")
            keeper.after("rtems") { happenings.note("failed") }
            keeper.end()
            keeper.keep(failure, of: "rtems")
            keeper.after("rtems") { happenings.note("not held") }
        }
        #expect(await happenings.next(2) == ["failed", "not held"])
    }
}
