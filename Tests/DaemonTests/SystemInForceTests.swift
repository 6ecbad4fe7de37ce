// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import Foundation
import Hypervisor
import Logging
import Supervision
import Testing

@testable import Daemon

@Suite("The system with which the hypervisor was enabled")
struct SystemInForceTests {
    private let sysfs = FileManager.default.temporaryDirectory.appending(path: "in-force-\(UUID().uuidString)")

    private func set(enabled: Bool) throws -> HypervisorView {
        let root = sysfs.appending(path: "cells/0")
        try FileManager.default.createDirectory(
            at: enabled ? root : sysfs.appending(path: "cells"), withIntermediateDirectories: true)
        try Data(enabled ? "1\n".utf8 : "0\n".utf8).write(to: sysfs.appending(path: "enabled"))
        let view = HypervisorView(directory: sysfs.path)
        view.look()
        return view
    }

    private func source() throws -> SystemSource {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../configs/systems/q35.toml").standardized.path
        return try DefinitionFiles(directory: "/nonexistent").system(at: path)
    }

    @Test("A successor knows it as long as nobody has enabled the hypervisor again")
    func successor() throws {
        defer { try? FileManager.default.removeItem(at: sysfs) }
        let source = try source()
        var system = SystemInForce()
        system.begin(source)
        system.end(try set(enabled: true), isOthers: false)
        #expect(system.source?.path == source.path)
        let record = try #require(system.record)
        let file = try JSONDecoder().decode(SystemInForce.Record.self, from: JSONEncoder().encode(record))
        var later = SystemInForce(file)
        #expect(later.source?.descriptor.platform == source.descriptor.platform)
        let view = try set(enabled: true)
        let isUnknown = later.check(view)
        #expect(!isUnknown && later.source != nil)

        // another time, and another directory: the old one stays, so that its number is not given again
        try FileManager.default.moveItem(
            at: sysfs.appending(path: "cells/0"), to: sysfs.appending(path: "old"))
        let again = try set(enabled: true)
        let said = [later.check(again), later.check(again)]
        #expect(said == [true, false], "it is said once")
        #expect(later.source == nil)
    }

    @Test("It is forgotten with a disable, and not taken for known when somebody else was first")
    func forgotten() throws {
        defer { try? FileManager.default.removeItem(at: sysfs) }
        var system = SystemInForce()
        system.begin(try source())
        let disabled = try set(enabled: false)
        system.take(disabled)
        #expect(system.source != nil, "it is under way")
        system.end(disabled, isOthers: false)
        #expect(system.source == nil)

        system.begin(try source())
        system.end(try set(enabled: true), isOthers: true)
        #expect(system.source == nil)
    }
}
