// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import Testing

@testable import CellDefinition

/// The schema says of each key what the reader says: a sample of what it allows is read, and one of what it does
/// not allow is refused.
@Suite struct SchemaTests {
    /// Values as TOML writes them.
    private func good(_ type: SchemaType) -> [String] {
        switch type {
        case .number(let range):
            range.upperBound > UInt64(Int64.max)
                ? ["\(range.lowerBound)", "\(Int64.max)", "\"0xffffffffffffffff\""]
                : ["\(range.lowerBound)", "\(range.upperBound)"]
        case .size(let most):
            ["0", "\"4 KiB\"", most > UInt64(Int64.max) ? "\(Int64.max)" : "\(most)"]
        case .string: ["\"a\""]
        case .duration: ["\"100 ms\"", "\"1min\""]
        case .bytes: ["\"01 a0\"", "\"\""]
        case .boolean: ["true", "false"]
        case .word(let words): words.map { "\"\($0)\"" }
        case .wordOrNumber(let words, let most): words.map { "\"\($0)\"" } + ["0", "\(most)"]
        case .words(let words):
            ["[]", "[\(words.map { "\"\($0)\"" }.joined(separator: ", "))]"] + words.map { "\"\($0)\"" }
        case .numberSet(let most): ["[]", "\"\"", "[0, \(most)]", "\"0-3, 8\"", "[\(most)]"]
        case .nameList: ["[]", "[\"a\", \"b\"]"]
        case .numberList(let most, let count):
            ["[\(Array(repeating: "\(most)", count: count ?? 3).joined(separator: ", "))]"]
        case .pciAddress: ["\"00:1f.2\"", "\"ff:00.7\""]
        case .table(let properties):
            [
                "{ " + properties.filter(\.isRequired).map { "\($0.key) = \(good($0.type)[0])" }.joined(separator: ", ")
                    + " }"
            ]
        }
    }

    private func bad(_ type: SchemaType) -> [String] {
        ["1979-05-27", "1.5"] + wrong(type)
    }

    private func wrong(_ type: SchemaType) -> [String] {
        switch type {
        case .number(let range):
            ["-1", "true", "\"x\"", "[]"]
                + (range.upperBound < UInt64(Int64.max) ? ["\(range.upperBound + 1)"] : ["\"0x10000000000000000\""])
        case .size(let most): ["-1", "\"4 KB\"", "[]"] + (most < UInt64(Int64.max) ? ["\(most + 1)"] : [])
        case .string: ["1", "true", "[]"]
        case .duration: ["1", "\"1\"", "\"1 day\""]
        case .bytes: ["1", "\"1\"", "\"0x\""]
        case .boolean: ["1", "\"true\""]
        case .word: ["1", "\"nonsense\"", "[]"]
        case .wordOrNumber(_, let most): ["-1", "\(most + 1)", "\"nonsense\""]
        case .words: ["1", "[1]", "\"nonsense\"", "[\"nonsense\"]"]
        case .numberSet(let most): ["1", "[-1]", "[\(most + 1)]", "\"3-\"", "\"a\""]
        case .nameList: ["1", "\"a\"", "[1]"]
        case .numberList(let most, let count):
            ["1", "[\(Array(repeating: "\(most + 1)", count: count ?? 3).joined(separator: ", "))]"]
                + (count.map { ["[\(Array(repeating: "0", count: $0 + 1).joined(separator: ", "))]"] } ?? [])
        case .pciAddress: ["1", "\"00:20.0\"", "\"1f.2\"", "\"00:1f.8\""]
        case .table: ["1", "\"x\"", "{ nonsense = 1 }"]
        }
    }

    /// What is allowed only together with other keys.
    private static let dependent: Set<String> = [
        "ivshmem.peer-id", "ivshmem.peers", "ivshmem.physical", "ivshmem.virtual", "ivshmem.output-size",
        "ivshmem.first-memory-region", "ivshmem.device-index",
        "image.entry", "image.stack-pointer", "image.command-line", "image.command-line-address",
        "image.communication-region-layout", "image.initrd", "image.loader",
        "image.device-tree", "image.overlays", "image.affinities", "image.serial-interrupt", "image.serial-clock",
        "interrupt-chip.pins", "supervision.maximum-delay", "supervision.guest", "cell.name-bytes",
        "root-cell.name-bytes",
    ]

    /// A file with one key of one table set, and what is required beside it.
    private func file(_ table: SchemaTable, _ key: String, _ value: String, _ variant: String) -> String {
        let ofCells =
            ConfigurationSchema.cell.map(\.key) + ["image", "supervision", "accept", "simulation", "simulated-device"]
        let isSystem = !ofCells.contains(table.key)
        var tables = (isSystem ? ConfigurationSchema.system : ConfigurationSchema.cell).filter(\.isRequired)
        if !tables.contains(where: { $0.key == table.key }) { tables.append(table) }
        var text = ""
        for one in tables {
            text += one.isList ? "[[\(one.key)]]\n" : "[\(one.key)]\n"
            for property in one.properties {
                let isHere = one.key == table.key && property.key == key
                if isHere {
                    text += "\(key) = \(value)\n"
                } else if property.key == "type" && one.key == "iommu" || property.key == "architecture" {
                    text += "\(property.key) = \"\(property.key == "type" ? variant : Self.architecture(variant))\"\n"
                } else if property.isRequired {
                    text += "\(property.key) = \(good(property.type)[0])\n"
                }
            }
        }
        return text
    }

    /// The keys of some tables depend on another key.
    private static func architecture(_ variant: String) -> String { variant == "pvu" ? "arm" : "x86" }

    private func isRead(_ text: String) -> Bool {
        if text.contains("[system]") { return (try? SystemDescriptor(toml: text, path: "x")) != nil }
        return (try? CellDefinition(toml: text, path: "x") { _ in [] }) != nil
    }

    @Test(arguments: DefinitionSchema.tables.map(\.key)) func eachKeyIsWhatTheReaderTakes(key: String) throws {
        let table = try #require(DefinitionSchema.tables.first { $0.key == key })
        let variants = ["amd", "pvu", "intel"]
        for property in table.properties {
            #expect(!property.text.isEmpty, "\(key).\(property.key) has no description")
            for value in good(property.type) where !Self.dependent.contains("\(key).\(property.key)") {
                let texts = variants.map { file(table, property.key, value, $0) }
                #expect(texts.contains(where: isRead), "\(texts[0])")
            }
            for value in bad(property.type) {
                let texts = variants.map { file(table, property.key, value, $0) }
                #expect(!texts.contains(where: isRead), "\(texts[0])")
            }
        }
    }

    @Test func requiredKeysAreThoseThatTheReaderMisses() throws {
        for table in DefinitionSchema.tables {
            for property in table.properties where property.isRequired {
                let text = ["amd", "intel"].map { file(table, property.key, "0", $0) }
                    .map { $0.replacing("\(property.key) = 0\n", with: "") }
                #expect(!text.contains(where: isRead), "\(table.key).\(property.key)")
            }
        }
    }

    @Test func theShippedSchemaIsTheCurrentOne() throws {
        let path = ShippedConfigurationTests.folder.appendingPathComponent("jailhouse.schema.json")
        let shipped = try String(contentsOf: path, encoding: .utf8)
        #expect(shipped == DefinitionSchema.text, "make it anew: jailhouse-ctl schema -o configs/jailhouse.schema.json")
        #expect(try JSONSerialization.jsonObject(with: Data(shipped.utf8)) is [String: Any])
    }
}
