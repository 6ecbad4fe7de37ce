// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ControlInterface
import FailureReports
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
        let message = watch.explained(failure("enable", "EINVAL")) {
            files
        } _: {
            nil
        }.message
        #expect(message.hasPrefix("refused\n"), "\(message)")
        #expect(message.contains("kernel: jailhouse: request_mem_region failed"), "\(message)")
        #expect(message.contains("Linux itself uses the hypervisor's memory"), "\(message)")
        #expect(!message.contains("usb") && !message.contains("Not a cell"), "\(message)")
    }

    @Test("A log that may not be read is said; on another machine neither it nor files are looked at")
    func unreadable() throws {
        let files = try files()
        let message = RefusedCommand(log: directory + "/none").explained(failure("create", "EBUSY")) {
            files
        } _: {
            nil
        }.message
        #expect(message.contains("cannot be read: No such file"), "\(message)")
        let remote = RefusedCommand(log: nil).explained(failure("create", "EBUSY")) {
            files
        } _: {
            nil
        }
        #expect(remote.message == "refused")
        let other = CommandFailure(.failed, "something else")
        #expect(
            RefusedCommand(log: directory + "/none").explained(other) {
                files
            } _: {
                nil
            } == other)
    }

    @Test("The lines that the error may be about, also of a failure that was recorded")
    func line() throws {
        let files = try files()
        let cpus = try #require(RTEMSCell.toml().split(separator: "\n").firstIndex { $0.hasPrefix("cpus") }) + 1
        let expected = "it may be about \(definition):\(cpus) (cell.cpus): "
        let lines = files.lines(about: "create", "EBUSY", of: "rtems")
        #expect(lines.first?.hasPrefix(expected + "A CPU of the cell is not Linux's to give") == true, "\(lines)")
        #expect(files.lines(about: "create", "EXDEV", of: "rtems").isEmpty)
        let invalid = files.lines(about: "create", "EINVAL", of: "rtems")
        #expect(!invalid.contains { $0.contains("cell.cpus") || $0.contains("not enabled") }, "\(invalid)")
        let recorded = Manager.Failure(
            at: 0, reason: "create was refused: a sentence (EBUSY)", state: nil, failedCpus: [], console: [],
            vmExits: nil,
            managementExits: nil)
        let notes = FailureReport(recorded, of: "rtems", files: files).explanation?.notes ?? []
        #expect(notes.contains { $0.hasPrefix(expected) }, "\(notes)")
    }

    @Test("Where the message says which cause it was, no other is listed, but its line")
    func known() throws {
        let files = try files()
        let error = ManagerError.commandFailed(
            cell: "rtems", command: "create", errno: 16, errnoName: "EBUSY",
            message:
                "create rtems: \(CommandError.knownCause)CPU 3 is cell b's, which is failed; destroy that cell first")
        let failure = CommandFailure(.manager(error), socketWasChosen: true)
        let message = RefusedCommand(log: directory + "/none").explained(failure) {
            files
        } _: {
            nil
        }.message
        #expect(message.contains("it is about \(definition):") && message.contains("(cell.cpus)"), "\(message)")
        #expect(!message.contains("may be") && !message.contains("peer-id"), "\(message)")
    }

    @Test("An answer by files that have changed since says so, and proposes no entry")
    func changed() throws {
        let files = try files()
        let console = [
            "FATAL: Invalid MMIO/RAM write, addr: 0x00000000feb00000 size: 4",
            "RIP: 0x0000000000100000 RSP: 0x0000000000107ff0 FLAGS: 2", "Parking CPU 3 (Cell: \"rtems\")",
        ]
        func explanation(_ time: Int) throws -> ExplanationReport {
            let failure = Manager.Failure(
                at: time, reason: "CPU 3 was parked after a violation", failedCpus: [3], console: console)
            return try #require(FailureReport(failure, of: "rtems", files: files).explanation)
        }
        let now = try explanation(4_102_444_800_000_000)
        #expect(now.entry != nil && !now.notes.contains { $0.contains("changed since") }, "\(now)")
        let old = try explanation(1)
        #expect(
            old.entry == nil
                && old.notes.contains { $0.hasPrefix("\(definition)") && $0.contains("has changed since") }, "\(old)")
    }

    @Test("What the rules cannot see may be so although they find nothing")
    func invisible() throws {
        var nothing = Surroundings()
        nothing.take([])
        let error = try #require(CommandError.of("create", "ENOMEM"))
        #expect(error.narrowed(by: nothing, isDaemons: true).causes.first?.rule == "JH0613")
        let load = try #require(CommandError.of("load", "EINVAL"))
        #expect(load.narrowed(by: nothing, isDaemons: true).causes.map(\.rule) == ["JH0806"])
        let enable = try #require(CommandError.of("enable", "EIO"))
        #expect(enable.narrowed(by: Surroundings(), RefusedEnable(unit: "PCI")).causes.isEmpty, "none is of that unit")
        let busy = try #require(CommandError.of("enable", "EBUSY"))
        let causes = busy.narrowed(by: Surroundings(), RefusedEnable(unit: "VT-d"), isDaemons: true).causes
        #expect(causes.map(\.what) == ["Linux has VT-d's DMA translation on."])
    }

    @Test("A cell without links is not refused for one, wherever the causes are listed")
    func withoutLinks() throws {
        let busy = try #require(CommandError.of("create", "EBUSY"))
        func rules(_ known: Surroundings) -> [String?] { busy.narrowed(by: known).causes.map(\.rule) }
        #expect(rules(Surroundings()).contains("JH0610"))
        let bare = CellDescriptor(name: "bare")
        #expect(!rules(Surroundings(cell: bare)).contains("JH0610"))
        var linked = bare
        linked.pciDevices = [PCIDevice(kind: .sharedMemory, address: PCIAddress(rawValue: 0x70))]
        #expect(rules(Surroundings(cell: linked)).contains("JH0610"))
        let reason = "create was refused: busy (EBUSY)"
        let explanation = ConditionPage.explanation(ofFailure: reason, in: Surroundings(cell: bare))
        #expect(explanation?.notes.isEmpty == false && explanation?.notes.contains { $0.contains("peer") } == false)
    }

    @Test("A cause whose rule finds nothing is none; where one does, it is that, with its line")
    func narrowed() throws {
        let text = try String(contentsOfFile: definition, encoding: .utf8)
        try text.replacing(try Regex("cpus = .*"), with: "cpus = [0]").write(
            toFile: definition, atomically: true, encoding: .utf8)
        let files = try files()
        let lines = files.lines(about: "create", "EINVAL", of: "rtems")
        #expect(lines.count == 1 && lines.first?.contains("JH0104") == true, "\(lines)")
        let recorded = Manager.Failure(
            at: 0, reason: "create was refused: a sentence (EINVAL)", state: nil, failedCpus: [], console: [],
            vmExits: nil, managementExits: nil)
        let explanation = FailureReport(recorded, of: "rtems", files: files).explanation
        #expect(explanation?.summary == "The cell has CPU 0 of an x86 machine.")
        #expect(explanation?.rule == "JH0104")
    }

    @Test("Of a refused enable the line is the system's, and that of the unit at which it ended")
    func system() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "configs/systems/q35.toml").path
        let files = try DumpFiles(cells: [], system: path, images: [], root: nil)
        func line(_ key: String) throws -> Int {
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            return try #require(lines.firstIndex { $0.hasPrefix(key) }) + 1
        }
        let lines = files.lines(about: "enable", "EINVAL", of: nil, RefusedEnable(unit: "VT-d"))
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.contains("q35.toml:\(try line("[[iommu]]")) (iommu[0]): VT-d: ") == true, "\(lines)")
        let memory = files.lines(about: "enable", "ENOMEM", of: nil, RefusedEnable())
        #expect(memory.contains { $0.contains("q35.toml:\((try? line("[hypervisor-memory]")) ?? 0) (") }, "\(memory)")
    }
}
