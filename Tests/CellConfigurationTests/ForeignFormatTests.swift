// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CellConfiguration

/// Files of forks, laid out by their headers, are refused by the fork's name.
@Suite struct ForeignFormatTests {
    /// - Parameters:
    ///   - counts: by their offset in the cell's descriptor: how many, and how long each is.
    private static func file(
        _ signature: String, _ revision: UInt64, root: Int? = nil, cell size: Int, counts: [Int: (UInt64, Int)]
    ) -> [UInt8] {
        let offset = root ?? 0
        var file = WrittenFile(size: offset + size)
        file.put(0, signature)
        file.put(6, 2, revision)
        file.put(offset + 8, "fork")
        var lists = 0
        for (place, count) in counts {
            file.put(offset + place, 4, count.0)
            lists += Int(count.0) * count.1
        }
        file.append([UInt8](repeating: 0, count: lists))
        return file.bytes
    }

    private static let usual: [Int: (UInt64, Int)] = [48: (8, 1), 52: (3, 32), 60: (1, 32), 68: (2, 56)]

    private static let files: [(name: String, bytes: [UInt8])] = [
        (
            "NXP's Jailhouse for i.MX8 (4.14)",
            file("JHCELL", 9, cell: 100, counts: [48: (8, 1), 52: (4, 32), 80: (2, 8)])
        ),
        (
            "NXP's Jailhouse for i.MX8 (4.14.98 to 5.4.3)",
            file("JHCELL", 10, cell: 152, counts: usual.merging([116: (2, 8)]) { $1 })
        ),
        (
            "NXP's Jailhouse for i.MX8 (4.14.98 to 5.4.3)",
            file("JHSYST", 10, root: 386, cell: 152, counts: usual.merging([116: (2, 8)]) { $1 })
        ),
        ("NXP's Jailhouse for i.MX8 (5.4.24 to 5.10)", file("JHSYST", 12, root: 450, cell: 132, counts: usual)),
        (
            "TI's Jailhouse 0.10",
            file("JHCELL", 12, cell: 136, counts: usual.merging([76: (3, 4), 80: (2, 49)]) { $1 })
        ),
        ("TI's Jailhouse 0.10", file("JHSYST", 12, root: 418, cell: 136, counts: usual.merging([80: (2, 49)]) { $1 })),
        ("the cache-coloring branch", file("JHSYST", 13, root: 360, cell: 132, counts: usual)),
        ("Mancuso's jailhouse-rt", file("JHCELL", 13, cell: 136, counts: usual.merging([92: (2, 40)]) { $1 })),
        (
            "the Omnivisor",
            file(
                "JHCLL\u{2}", 14, cell: 152,
                counts: [48: (8, 1), 52: (4, 1), 56: (4, 1), 60: (4, 40), 68: (1, 32), 92: (1, 66), 96: (1, 109)])
        ),
        (
            "the Omnivisor",
            file(
                "JHSYS\u{2}", 14, root: 493, cell: 152,
                counts: [48: (8, 1), 60: (4, 40), 68: (1, 32), 88: (2, 20)])
        ),
        ("the RISC-V branch", file("JHCLL", 15, cell: 132, counts: [48: (2, 16), 52: (4, 32)])),
        ("MediaTek's Jailhouse", file("JHCLL\u{2}", 15, cell: 136, counts: usual.merging([80: (3, 4)]) { $1 })),
        ("Jailhouse before release v0.6 (2015 and 2016)", Array("JAILCELLrtems".utf8)),
        ("RVM1.5", file("RCMCL", 14, cell: 132, counts: usual)),
    ]

    @Test(arguments: files.indices) func itIsRefusedByItsName(index: Int) {
        let (name, bytes) = Self.files[index]
        #expect(ConfigurationFile.isBinary(bytes))
        let error = #expect(throws: ConfigurationError.self, "\(name)") { try ConfigurationFile(binary: bytes) }
        #expect(error?.code == .foreign, "\(error?.message ?? "")")
        #expect(
            error?.message.hasPrefix("this is a configuration in the format of \(name)") == true,
            "\(error?.message ?? "")")
    }

    /// A board of upstream's whose surplus makes it as long as a fork's counts ask for is still upstream's.
    @Test func lengthsThatFitByChanceAreNotBelieved() throws {
        var bytes = WrittenFile.cell(.r10, oldLink: true)
        // 152 + 24 bytes more in the places of NXP's counts, and a console of type 0 with an address
        bytes += [UInt8](repeating: 0, count: 56)
        #expect(try CellDescriptor(binary: bytes).surplus.count == 56)
    }

    @Test func otherRevisionsAreNamedWithTheirRelease() {
        let unknown = Self.file("JHCLL", 15, cell: 132, counts: [48: (2, 16)]) + [0]
        let branch = #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: unknown) }
        #expect(branch?.code == .revision)
        #expect(branch?.message.contains("revision 15 (a branch of Jailhouse, not upstream)") == true)
        let bytes = Self.file("JHCELL", 8, cell: 128, counts: [:])
        let error = #expect(throws: ConfigurationError.self) { try CellDescriptor(binary: bytes) }
        #expect(
            error?.message
                == "this is a configuration of revision 8 (before release v0.9); revisions 10 to 14 are understood")
    }
}
