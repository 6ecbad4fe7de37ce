// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import Foundation
import JailhouseInterface
import Logging
import Supervision
import TestSupport
import Testing

@testable import Daemon

@Suite("What existing cells were created with")
struct CreatedCellsTests {
    private func definition(_ keys: String = "", physical: String = "0x3a000000") throws -> CellDefinition {
        let toml = SmallCell.toml().replacingOccurrences(of: "0x3a000000", with: physical) + keys
        return try CellDefinition(toml: toml, path: "/etc/rtems.toml", readFile: { _ in [] })
    }

    private func seen(_ id: Int, _ incarnation: UInt64? = 7) -> Observation {
        Observation(id: id, incarnation: incarnation, state: .running)
    }

    @Test("It is known from before the create until the cell is gone or another one")
    func life() throws {
        let definition = try definition()
        var created = CreatedCells()
        created.begin(definition)
        #expect(created.definition(of: "rtems", .present(seen(1))) == definition)
        created.end("rtems", .present(seen(1)))
        #expect(created.definition(of: "rtems", .present(seen(1))) == definition)
        #expect(created.definition(of: "rtems", .present(seen(1, 8))) == nil)
        #expect(created.definition(of: "rtems", .present(seen(2))) == nil)
        #expect(created.definition(of: "rtems", nil) == definition, "it may still be there")
        #expect(created.definition(of: "rtems", .absent) == nil)
        #expect(created.definition(of: "other", .present(seen(1))) == nil)

        created.begin(try self.definition(physical: "0x3b000000"))
        created.end("rtems", .absent)
        #expect(created.cells.isEmpty, "it was refused")
    }

    @Test("The first definition that is known of a cell counts")
    func assumed() throws {
        let first = try definition()
        var created = CreatedCells()
        created.assume(first, seen(1))
        created.assume(try definition(physical: "0x3b000000"), seen(1))
        #expect(created.definition(of: "rtems", .present(seen(1))) == first)
    }

    @Test("A successor knows the hardware, what was accepted, and which cell it was", arguments: [true, false])
    func successor(isSeen: Bool) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "created-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = StateFile(path: path)
        let definition = try definition("\n[accept]\nJH0603 = \"a test\"\n")
        var created = CreatedCells()
        var record = StateRecord(file: file, logger: Logger(label: "test"))
        _ = try record.read()
        let fleet = Fleet([:], memory: nil, at: Clock.now())
        record.save(fleet, failures: [:], created: created)
        created.begin(definition)
        if isSeen { created.end("rtems", .present(seen(1))) }
        record.save(fleet, failures: [:], created: created)

        var later = StateRecord(file: file, logger: Logger(label: "test"))
        _ = try later.read()
        let read = later.created.definition(of: "rtems", .present(seen(1)))
        #expect(read?.configuration == definition.configuration)
        #expect(read?.accepted == ["JH0603": "a test"])
        #expect(read?.path == "/etc/rtems.toml")
        #expect((later.created.definition(of: "rtems", .present(seen(1, 8))) == nil) == isSeen)
    }

    @Test("A cell of an old revision keeps its architecture", arguments: [FormatRevision.revision10, .revision13])
    func oldRevision(revision: FormatRevision) throws {
        var definition = try definition()
        definition.descriptor.architecture = .arm64
        definition.configuration = try definition.descriptor.binary(revision: revision)
        definition.descriptor.revision = revision
        let read = try CellDefinition(created: definition.configurationWithArchitecture, path: "/x", accepted: [:])
        #expect(read.descriptor.architecture == .arm64)
        #expect(
            read.descriptor.memoryRegions.map(\.physicalStart)
                == definition.descriptor.memoryRegions.map(\.physicalStart))
    }

    @Test("Without it, or with what cannot be read of it, a state file is still of use")
    func otherFiles() throws {
        let old = #"{"version":1,"bootID":"x","isDisabledByRequest":true,"cells":{},"failures":{}}"#
        guard case .contents(let contents) = StateFile.reading(of: Array(old.utf8), bootID: "x") else {
            Issue.record("an older daemon's file is not read")
            return
        }
        #expect(contents.created == nil && contents.isDisabledByRequest)
        let nonsense = CreatedCell.Record(path: "/x", configuration: Data([1, 2, 3]))
        #expect(CreatedCells(["x": nonsense]).cells.isEmpty)
    }
}
