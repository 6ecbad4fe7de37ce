// SPDX-License-Identifier: Apache-2.0

import ControlInterface
import Foundation
import TestSupport
import Testing

@testable import Commands

@Suite("A refused command names the configuration's line, and what the kernel's log says")
struct RefusedCommandTests {
    private let directory: String
    private let definition: String

    init() throws {
        directory = try temporaryDirectory()
        definition = directory + "/rtems.toml"
        try RTEMSCell.toml().write(toFile: definition, atomically: true, encoding: .utf8)
    }

    private func failure(_ command: String, _ errno: String) -> CommandFailure {
        let error = ManagerError.commandFailed(
            cell: "rtems", command: command, errno: 16, errnoName: errno, message: "refused")
        return CommandFailure(.manager(error), socketWasChosen: true)
    }

    private func files() throws -> DumpFiles {
        try DumpFiles(cells: [definition], system: nil, images: [], root: nil)
    }

    @Test("The driver's new lines, with what they mean; other lines and older ones are left out")
    func kernelLog() throws {
        let log = directory + "/kmsg"
        try Data("3,1,1,-;jailhouse: Not a cell configuration\n".utf8).write(to: URL(filePath: log))
        let watch = RefusedCommand(log: log)
        let writer = try FileHandle(forWritingTo: URL(filePath: log))
        try writer.seekToEnd()
        try writer.write(
            contentsOf: Data(
                "6,2,2,-;usb 1-1: new device\n3,3,3,-;jailhouse: request_mem_region failed for hypervisor memory.\n"
                    .utf8))
        let files = try files()
        let message = watch.explained(failure("enable", "EINVAL")) { files }.message
        #expect(message.hasPrefix("refused\n"), "\(message)")
        #expect(message.contains("kernel: jailhouse: request_mem_region failed"), "\(message)")
        #expect(message.contains("Linux itself uses the hypervisor's memory"), "\(message)")
        #expect(!message.contains("usb") && !message.contains("Not a cell"), "\(message)")
    }

    @Test("A log that may not be read is said; on another machine neither it nor files are looked at")
    func unreadable() throws {
        let files = try files()
        let message = RefusedCommand(log: directory + "/none").explained(failure("create", "EBUSY")) { files }.message
        #expect(message.contains("cannot be read: No such file"), "\(message)")
        let remote = RefusedCommand(log: nil).explained(failure("create", "EBUSY")) { files }
        #expect(remote.message == "refused")
        let other = CommandFailure(.failed, "something else")
        #expect(RefusedCommand(log: directory + "/none").explained(other) { files } == other)
    }

    @Test("The line that the error is most likely about, also of a failure that was recorded")
    func line() throws {
        let files = try files()
        let cpus = try #require(RTEMSCell.toml().split(separator: "\n").firstIndex { $0.hasPrefix("cpus") }) + 1
        let expected = "it may be about \(definition):\(cpus) (cell.cpus)"
        #expect(files.lines(about: "create", "EBUSY", of: "rtems") == [expected])
        #expect(files.lines(about: "create", "EXDEV", of: "rtems").isEmpty)
        let recorded = Manager.Failure(
            at: 0, reason: "create was refused: a sentence (EBUSY)", state: nil, failedCpus: [], console: [],
            vmExits: nil,
            managementExits: nil)
        #expect(FailureReport(recorded, of: "rtems", files: files).explanation?.notes.contains(expected) == true)
    }
}
