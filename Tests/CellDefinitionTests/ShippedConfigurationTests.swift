// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Foundation
import Testing

@testable import CellDefinition

/// The files in `configs/` are examples that people start from: nothing may be said of them.
@Suite struct ShippedConfigurationTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("configs")

    static func files(_ subfolder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent(subfolder).path)
            .filter { $0.hasSuffix(".toml") }.map { folder.path + "/\(subfolder)/\($0)" }.sorted()
    }

    private func read(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try read(path), as: UTF8.self)
    }

    private func system(_ name: String = "q35") throws -> SystemDescriptor {
        let path = Self.folder.path + "/systems/\(name).toml"
        return try SystemDescriptor(toml: try text(path), path: path)
    }

    @Test func systemsAreSound() throws {
        for path in try Self.files("systems") {
            let system = try SystemDescriptor(toml: try text(path), path: path)
            #expect(system.findings() == [], "\(path)")
            #expect(try SystemDescriptor(binary: system.binary()).binary() == system.binary())
        }
    }

    @Test(arguments: [("cells", "q35"), ("cells/arm64", "qemu-arm64"), ("cells/rpi4", "rpi4")])
    func cellsAreSoundInTheirSystem(folder: String, name: String) throws {
        let paths = try Self.files(folder)
        #expect(!paths.isEmpty)
        let system = try system(name)
        for path in paths {
            let definition = try CellDefinition(toml: try text(path), path: path, readFile: read)
            // what only the simulated machine has is said, as it should, and that COM1 is taken from Linux
            let findings = definition.findings(system: system).filter {
                !["JH0845", "JH1505"].contains($0.rule)
            }
            #expect(findings == [], "\(path)")
            #expect(!definition.images.isEmpty)
            #expect(try CellDescriptor(binary: definition.configuration).binary() == definition.configuration)
        }
    }

    @Test(arguments: ["cells", "cells/arm64"]) func togetherTheyAreAlternatives(folder: String) throws {
        let definitions = try Self.files(folder).map {
            try CellDefinition(toml: try text($0), path: $0, readFile: read)
        }
        #expect(DefinitionSet(definitions).mutualFindings().allSatisfy { $0.severity == .note })
    }

    @Test func settingsAreTheUsualOnes() throws {
        let path = Self.folder.path + "/jailhoused.toml"
        #expect(try DaemonSettings(toml: try text(path), path: path) == DaemonSettings())
        let active = try text(path).replacing("# system =", with: "system =").replacing("# poll-", with: "poll-")
        #expect(
            try DaemonSettings(toml: active, path: "/etc/jailhoused/jailhoused.toml")
                == DaemonSettings(system: "/etc/jailhoused/systems/q35.toml", pollInterval: .milliseconds(10))
        )
    }
}
