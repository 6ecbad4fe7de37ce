// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import ConfigurationRules

/// For each rule, what breaks it in the files of ``ExampleMachine``.
enum RuleExamples {
    static let byRule: [String: RuleExample] =
        x86.mapValues { ExampleMachine.x86.example($0) }
        .merging(arm64.mapValues { ExampleMachine.arm64.example($0) }) { first, _ in first }

    static func rtems(_ right: String, _ wrong: String) -> RuleExample.Change {
        .init(in: "rtems.toml", instead: right, wrong)
    }

    static func other(_ right: String, _ wrong: String) -> RuleExample.Change {
        .init(in: "other.toml", instead: right, wrong)
    }

    static func system(_ right: String, _ wrong: String) -> RuleExample.Change {
        .init(in: ExampleMachine.systemFile, instead: right, wrong)
    }

    /// An end of the link in `rtems.toml`, with its sections.
    static func linkEnd(
        peerID: Int, first: Int, physical: UInt64 = 0x3f00_0000, protocol number: String = "0x1",
        bdf: String = "00:0e.0"
    ) -> String {
        let sections: [(offset: UInt64, size: Int)] = [(0, 4), (0x1000, 4), (0x2000, 8), (0x4000, 8)]
        return sections.map { offset, size in
            """
            [[memory]]
            physical = \(hexadecimal(physical + offset))
            size = "\(size) KiB"
            access = ["read", "root-shared"]

            """
        }.joined(separator: "\n") + """

            [[pci-device]]
            type = "ivshmem"
            bdf = "\(bdf)"
            first-memory-region = \(first)
            peer-id = \(peerID)
            peers = 2
            protocol = \(number)
            """
    }
}
