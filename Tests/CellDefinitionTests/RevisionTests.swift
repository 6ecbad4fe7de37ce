// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Foundation
import TestSupport
import Testing

@testable import CellDefinition

/// A cell is compiled for the hypervisor of its system, unless its source asks for another revision.
@Suite struct DefinitionRevisionTests {
    /// - Parameters:
    ///   - revision: of the system.
    ///   - keys: of the cell.
    private func load(_ revision: Int, _ keys: String, cell suffix: String = "") throws -> LoadedConfiguration {
        let directory = NSTemporaryDirectory() + "revision-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: directory + "/cells", withIntermediateDirectories: true)
        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        try write("system = \"\(directory)/machine.toml\"\n", "jailhoused.toml")
        try write(
            CellProposalTests.system.replacing("[system]\n", with: "[system]\nrevision = \(revision)\n"), "machine.toml"
        )
        try write(RTEMSCell.toml(keys: ["message-timeout = 1000000", keys]) + suffix, "cells/rtems.toml")
        return ConfigurationDirectory(path: directory, reader: PlainFiles()).load()
    }

    @Test(arguments: [10, 11, 12, 13, 14]) func aCellFollowsItsSystem(revision: Int) throws {
        let loaded = try load(revision, "")
        let cell = try #require(loaded.definitions.first, "\(loaded.findings)")
        #expect(cell.configuration[6] == UInt8(revision))
        #expect(cell.configuration.starts(with: Array((revision < 14 ? "JHCELL" : "JHCLL").utf8)))
        #expect(try CellDescriptor(binary: cell.configuration).memoryRegions.count == 2)
        #expect(loaded.refused.isEmpty)
    }

    @Test func aCellThatSaysItsRevisionDoesNotFollow() throws {
        let loaded = try load(12, "revision = 14")
        #expect(loaded.definitions.isEmpty)
        #expect(loaded.refused.flatMap(\.findings).map(\.rule) == ["JH0510"])
        #expect(try load(12, "revision = 12").definitions.count == 1)
    }

    @Test func whatTheSystemsRevisionCannotHaveIsAnError() throws {
        let link = """
            [[ivshmem]]
            bdf = "00:0e.0"
            peer-id = 1
            physical = 0x3b000000
            output-size = "4 KiB"

            """
        #expect(try load(12, "", cell: link).definitions.count == 1)
        let refused = try load(10, "", cell: link).refused
        #expect(refused.map(\.cell) == ["rtems"])
        #expect(
            refused.first?.message.contains(
                "the system is of revision 10: revision 10 cannot have the ivshmem device 00:0e.0")
                == true, "\(refused)")
    }

    /// `check` says the same without a configuration directory.
    @Test func theRuleSaysWhatCannotBe() throws {
        let system = try SystemDescriptor(
            toml: CellProposalTests.system.replacing("[system]\n", with: "[system]\nrevision = 10\n"), path: "s")
        let cell = try CellDescriptor(toml: RTEMSCell.toml(), path: "c")
        #expect(system.findings(ofCell: cell).filter { $0.rule == "JH0510" } == [])
        var other = cell
        other.memoryRegions[0].flags.insert(.noHugePages)
        #expect(system.findings(ofCell: other).first { $0.rule == "JH0510" }?.message.contains("huge pages") == true)
    }
}
