// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about what works, but not as well as it could.
enum PracticeRules {
    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH1401", severity: .note, title: "large memory is laid out for large pages",
            consequence:
                "the hypervisor maps it in pages of 4 KiB: address translation costs more, and so many more page "
                + "tables come out of its pool",
            remedy: "let \"physical\" and \"virtual\" differ by a multiple of 2 MiB (0x200000)"
        ) { cell in
            MemoryRules.regions(of: cell).filter {
                let region = $0.region
                return region.size >= 2 * largePage && region.flags.contains(.execute)
                    && region.flags.isDisjoint(with: [.communicationRegion, .noHugePages])
                    && region.physicalStart % MemoryRules.pageSize == 0 && !region.isSubPage
                    && (region.physicalStart ^ region.virtualStart) % largePage != 0
            }.map {
                .init(
                    location: $0.location,
                    message:
                        "the region \($0.region.quotedName) of \(hexadecimal($0.region.size)) bytes is at physical "
                        + "\(hexadecimal($0.region.physicalStart)), but seen at \(hexadecimal($0.region.virtualStart))"
                )
            }
        },
        Rule(
            id: "JH1402", severity: .warning, title: "Linux cannot change a running program",
            consequence: "a mistake in Linux can overwrite the program while it runs, and leaves no trace",
            remedy: "drop \"root-shared\": \"loadable\" is enough to load it; or drop \"execute\" if it is data"
        ) { cell in
            MemoryRules.regions(of: cell).filter { $0.region.flags.isSuperset(of: [.write, .execute, .rootShared]) }.map
            {
                .init(
                    location: $0.location,
                    message: "the region \($0.region.quotedName) is \"write\", \"execute\" and \"root-shared\""
                )
            }
        },
    ]

    static let placement: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH0509", severity: .warning, title: "what a cell prints on the virtual console can be read",
            consequence: "the text goes to the hypervisor's console, which Linux may not read",
            remedy: "set virtual-debug-console = true in the system's [system], or drop virtual-console in [cell]"
        ) { placement in
            let consoles: CellDescriptor.Flags = [.virtualConsoleActive, .virtualConsolePermitted]
            guard !placement.cell.flags.isDisjoint(with: consoles),
                !placement.system.flags.contains(.virtualDebugConsole)
            else { return [] }
            return [
                .init(
                    location: "cell.virtual-console",
                    message: "the cell may print on the virtual console, but the system does not have one"
                )
            ]
        }
    ]

    private static let largePage: UInt64 = 0x20_0000
}
