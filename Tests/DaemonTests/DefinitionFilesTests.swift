// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ControlInterface
import Foundation
import Supervision
import Testing

@testable import Daemon

@Suite("The definitions below the configuration directory")
struct DefinitionFilesTests {
    private func load(_ cells: KeyValuePairs<String, (cpu: Int, memory: String)>) throws -> LoadedDefinitions {
        let directory = FileManager.default.temporaryDirectory.appending(path: "definitions-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(
            at: directory.appending(path: "cells"), withIntermediateDirectories: true)
        for (name, cell) in cells {
            let toml = """
                [cell]
                name = "\(name)"
                architecture = "x86"
                cpus = [\(cell.cpu)]
                passive-comm-region = true

                [[memory]]
                physical = \(cell.memory)
                virtual = 0x0
                size = "1 MiB"
                access = ["read", "write", "execute", "loadable"]

                """
            try toml.write(
                to: directory.appending(path: "cells/\(name).toml"), atomically: true, encoding: .utf8)
        }
        return DefinitionFiles(directory: directory.path).load()
    }

    @Test("Cells that would overwrite each other are usable, one at a time, and that is said")
    func sharedMemory() throws {
        let loaded = try load(["a": (1, "0x3a000000"), "b": (2, "0x3a080000")])
        #expect(loaded.definitions.map(\.name) == ["a", "b"])
        #expect(loaded.problems.isEmpty)
        #expect(loaded.warnings.count == 1)
        #expect(loaded.warnings.first?.contains("JH0603") == true)
    }

    @Test("Who wants to enable a system that is refused is told why, not that there is none")
    func refusedSystem() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "definitions-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let system = directory.appending(path: "system.toml").path
        try "nonsense".write(toFile: system, atomically: true, encoding: .utf8)
        try "system = \"\(system)\"\n".write(
            to: directory.appending(path: "jailhoused.toml"), atomically: true, encoding: .utf8)
        var loaded = DefinitionFiles(directory: directory.path).load()
        #expect(loaded.system == nil)
        let refusal = try #require(loaded.systemRefusal)
        #expect(loaded.problems.map(\.message).contains(refusal))
        let context = ErrorContext(cells: [:], names: [], settingsPath: "s.toml", systemRefusal: refusal)
        #expect(ManagerError(FleetFailure.noSystem, context).message.hasPrefix("the configured system is not used: "))
        // one that is mended, or not wanted any more
        loaded.take(LoadedDefinitions())
        #expect(loaded.systemRefusal == nil)
    }

    @Test("What stays in force because its file is broken counts in circles")
    func circleWithKept() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "definitions-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createDirectory(
            at: directory.appending(path: "cells"), withIntermediateDirectories: true)
        func write(_ name: String, _ supervision: String) throws {
            let cpu = ["a": 1, "b": 2, "c": 3][name] ?? 0
            let toml = """
                [cell]
                name = "\(name)"
                architecture = "x86"
                cpus = [\(cpu)]
                passive-comm-region = true

                [[memory]]
                physical = 0x3a\(cpu)00000
                virtual = 0x0
                size = "1 MiB"
                access = ["read", "write", "execute", "loadable"]

                [supervision]
                \(supervision)

                """
            try toml.write(
                to: directory.appending(path: "cells/\(name).toml"), atomically: true, encoding: .utf8)
        }
        let files = DefinitionFiles(directory: directory.path)
        try write("a", "requires = [\"c\"]")
        try write("b", "requires = [\"a\"]")
        try write("c", "")
        let before = files.load().definitions
        #expect(before.map(\.name) == ["a", "b", "c"])

        try write("a", "requires = [\"b\"]")
        try write("b", "requires = [\"a\"] typo")
        // in a circle with the a that is kept, since the new one is refused
        try write("c", "after = [\"a\"]")
        let loaded = files.load(inForce: before)
        #expect(loaded.definitions.isEmpty, "\(loaded.definitions.map(\.name))")
        #expect(loaded.problems.compactMap(\.cell) == ["a", "b", "c"])
        #expect(loaded.problems.first?.message.contains("\"a\" needs \"b\" needs \"a\"") == true, "\(loaded.problems)")

        try write("b", "")
        #expect(files.load(inForce: before).problems.isEmpty, "what was in force before is not any more")
    }

    @Test("Of cells on one CPU, and of cells apart, nothing is said")
    func alternatives() throws {
        #expect(try load(["a": (1, "0x3a000000"), "b": (1, "0x3a080000")]).warnings.isEmpty)
        #expect(try load(["a": (1, "0x3a000000"), "b": (2, "0x3a100000")]).warnings.isEmpty)
    }
}
