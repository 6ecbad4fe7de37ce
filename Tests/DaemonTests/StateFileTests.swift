// SPDX-License-Identifier: Apache-2.0

import Foundation
import JailhouseInterface
import Logging
import Supervision
import Testing

@testable import Daemon

@Suite("The state file")
struct StateFileTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "state-\(UUID().uuidString)")
    private var file: StateFile { StateFile(path: directory.appending(path: "state.json").path) }

    init() throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    private func contents() -> StateFile.Contents {
        var memory = LifecycleMemory()
        memory.goal = .run
        memory.restarts = 3
        _ = memory.budget.delayOfNextRestart(at: Clock.now(), policy: SupervisionPolicy())
        memory.failure = .refused(.load, Refusal(kind: .other, message: "no", errno: 22))
        var contents = StateFile.Contents(bootID: "this")
        contents.cells["rtems"] = memory
        contents.failures["rtems"] = [FailureRecord(.vanished, of: nil, console: "")]
        return contents
    }

    @Test("What is written is read")
    func roundTrip() throws {
        let written = contents()
        try file.write(written)
        guard case .contents(let read) = file.read(bootID: "this") else { throw Missing() }
        #expect(read == written)
        try? FileManager.default.removeItem(at: directory)
    }

    @Test("A successor knows the CPUs that Linux lost, also after a soft-reboot", arguments: [false, true])
    func lostCPUs(isEndedWithMachine: Bool) throws {
        var fleet = Fleet([:], memory: FleetMemory(), at: Clock.now())
        _ = fleet.handle(.lostCPUs(LostCPUs(parked: [1, 3], stopped: [2])), at: Clock.now())
        #expect(fleet.differs(from: FleetMemory()))
        #expect(!fleet.differs(from: fleet.memory))
        var record = StateRecord(file: file, logger: Logger(label: "test"))
        _ = try record.read()
        record.isEndedWithMachine = isEndedWithMachine
        record.save(fleet, failures: [:])
        var later = StateRecord(file: file, logger: Logger(label: "test"))
        let memory = try later.read()
        #expect(memory?.lostCPUs == LostCPUs(parked: [1, 3], stopped: [2]))
        #expect(Fleet([:], memory: memory, at: Clock.now()).lostCPUs == LostCPUs(parked: [1, 3], stopped: [2]))
        try? FileManager.default.removeItem(at: directory)
    }

    @Test("The failures that an older daemon noted have no statistics")
    func olderRecord() throws {
        let text = #"{"at":1,"cause":{"vanished":{}},"failedCPUs":[],"console":["x"]}"#
        let record = try JSONDecoder().decode(FailureRecord.self, from: Data(text.utf8))
        #expect(record.console == ["x"])
        #expect(record.exits == nil && record.managementExits == nil)
        let seen = Observation(id: 1, state: .failed, failedCPUs: [3])
        let fresh = FailureRecord(.vanished, of: seen, exits: (total: 5, management: UInt64.max), console: "")
        #expect(fresh.exits == 5 && fresh.managementExits == .max)
    }

    @Test("Without a file there is nothing to read, and that is no problem")
    func none() {
        guard case .none = file.read(bootID: "this") else { return #expect(Bool(false), "something was read") }
    }

    @Test(
        "A damaged file is not used", arguments: ["", "{", "{}", "null", #"{"version":2,"bootID":"x"}"#, "\u{0}\u{0}"])
    func damaged(text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: file.path))
        guard case .unusable(let reason) = file.read(bootID: "this") else { throw Missing() }
        #expect(!reason.isEmpty)
    }

    @Test("A file that was cut off anywhere is not used")
    func truncated() throws {
        try file.write(contents())
        let whole = try Data(contentsOf: URL(filePath: file.path))
        for length in stride(from: 0, to: whole.count, by: 7) {
            try whole.prefix(length).write(to: URL(filePath: file.path))
            guard case .unusable = file.read(bootID: "this") else { throw Missing() }
        }
    }

    @Test("The state of another boot says nothing about this one")
    func otherBoot() throws {
        var written = contents()
        written.bootID = "another"
        try file.write(written)
        guard case .none = file.read(bootID: "this") else { throw Missing() }
    }

    @Test("When it cannot be told which boot this is, the daemon does not go on as if it were another")
    func unreadableBoot() throws {
        #expect(try !StateFile.bootID().isEmpty)
        #expect(try StateFile.bootID(path: "/proc/self/no-such-file").isEmpty, "where there is none, all boots are one")
        #expect(throws: StartError.self) { try StateFile.bootID(path: directory.path) }
    }

    @Test("A failed write leaves the old file and names the call")
    func failedWrite() throws {
        try file.write(contents())
        // the place of the new file is taken by a directory, as a full disk takes it by nothing
        try FileManager.default.createDirectory(atPath: file.path + ".new", withIntermediateDirectories: true)
        #expect(throws: (any Error).self) { try file.write(StateFile.Contents(bootID: "x")) }
        guard case .contents(let read) = file.read(bootID: "this") else { throw Missing() }
        #expect(read.cells["rtems"]?.restarts == 3)
    }

    private struct Missing: Error {}
}
