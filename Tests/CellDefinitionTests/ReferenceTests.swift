// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import Foundation
import Testing

/// The reference names every key there is, and none that there is not.
@Suite struct ReferenceTests {
    private func keys(of table: String, in reference: String) -> Set<String> {
        guard let start = reference.range(of: "| `\(table)`") else { return [] }
        let rows = reference[start.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
            .dropFirst(2).prefix { $0.hasPrefix("|") }
        var keys: Set<String> = []
        for row in rows {
            let first = row.split(separator: "|").first ?? ""
            // what stands in brackets are values
            let plain = first.replacing(/\([^)]*\)/, with: "")
            keys.formUnion(
                plain.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                    .filter { $0.offset % 2 == 1 }.map { String($0.element) })
        }
        return keys
    }

    /// What a reader of such a table asks for is told by its complaint about a key that nobody knows.
    private func known(_ toml: String) -> Set<String> {
        do {
            _ = try ConfigurationFile(toml: toml, path: "")
            return []
        } catch {
            guard let list = error.message.split(separator: "known here are ").last else { return [] }
            return Set(list.split(separator: ", ").map(String.init))
        }
    }

    static let cell = "[cell]\nname = \"x\"\narchitecture = \"x86\"\ncpus = []\n"
    static let system = "[system]\narchitecture = \"ARCH\"\n[hypervisor-memory]\nphysical = 0\nsize = 0\n"
    static let root = "[root-cell]\nname = \"x\"\ncpus = []\n"

    static let tables: [(table: String, texts: [String])] = [
        ("[cell]", [cell + "zzzzzzzzzzzzzz = 1"]),
        ("[[memory]]", [cell + "[[memory]]\nsize = 0\nzzzzzzzzzzzzzz = 1"]),
        (
            "[[ivshmem]]",
            [
                cell
                    + "[[ivshmem]]\nbdf = \"00:00.0\"\npeer-id = 0\nphysical = 0\noutput-size = 0\nzzzzzzzzzzzzzz = 1"
            ]
        ),
        ("[[ports]]", [cell + "[[ports]]\nbase = 0\ncount = 0\nzzzzzzzzzzzzzz = 1"]),
        ("[[interrupt-chip]]", [cell + "[[interrupt-chip]]\naddress = 0\nzzzzzzzzzzzzzz = 1"]),
        ("[[pci-device]]", [cell + "[[pci-device]]\nbdf = \"00:00.0\"\nzzzzzzzzzzzzzz = 1"]),
        ("[[pci-capability]]", [cell + "[[pci-capability]]\nid = 0\nstart = 0\nlength = 0\nzzzzzzzzzzzzzz = 1"]),
        ("[[cache]]", [cell + "[[cache]]\nsize = 0\nzzzzzzzzzzzzzz = 1"]),
        ("[system]", [system.replacing("\n[", with: "\nzzzzzzzzzzzzzz = 1\n[") + root]),
        ("[hypervisor-memory]", [system + "zzzzzzzzzzzzzz = 1\n" + root]),
        ("[debug-console]", [system + root + "[debug-console]\nzzzzzzzzzzzzzz = 1"]),
        (
            "[platform]",
            ["x86", "arm"].map {
                system.replacing("ARCH", with: $0) + root + "[platform]\nzzzzzzzzzzzzzz = 1"
            }
        ),
        (
            "[[iommu]]",
            ["amd", "pvu", "intel"].map {
                system + root + "[[iommu]]\ntype = \"\($0)\"\nzzzzzzzzzzzzzz = 1"
            }
        ),
    ]

    @Test(arguments: tables.indices) func theReferenceIsComplete(index: Int) throws {
        let (table, texts) = Self.tables[index]
        let reference = try String(
            contentsOf: ShippedConfigurationTests.folder.appendingPathComponent("README.md"), encoding: .utf8
        )
        let expected = texts.map { known($0.replacing("ARCH", with: "x86")) }.reduce(Set()) { $0.union($1) }
        #expect(!expected.isEmpty)
        #expect(keys(of: table, in: reference) == expected, "\(table)")
    }
}
