import Foundation
import Testing

@testable import jailhoused

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

    @Test("Of cells on one CPU, and of cells apart, nothing is said")
    func alternatives() throws {
        #expect(try load(["a": (1, "0x3a000000"), "b": (1, "0x3a080000")]).warnings.isEmpty)
        #expect(try load(["a": (1, "0x3a000000"), "b": (2, "0x3a100000")]).warnings.isEmpty)
    }
}
