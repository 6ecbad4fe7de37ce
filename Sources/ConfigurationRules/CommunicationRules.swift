// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about the page through which hypervisor and cell talk.
enum CommunicationRules {
    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH0301", severity: .warning, title: "a cell has one communication region",
            consequence:
                "the same page is seen at several addresses, and which one the program looks at is left to chance",
            remedy: "keep the one where the program expects it"
        ) { cell in
            regions(of: cell).dropFirst().map {
                .init(
                    location: $0.location,
                    message: "there is another communication region at \(hexadecimal($0.region.virtualStart))"
                )
            }
        },
        Rule(
            id: "JH0302", severity: .error, title: "a cell that is asked for replies has a communication region",
            consequence: "the program cannot see the requests, so it never answers; Linux is stalled until the "
                + "message's time is over",
            remedy: "add a region with the access \"communication-region\" or, if the program does not know such "
                + "regions, set passive-comm-region = true"
        ) { cell in
            guard !cell.isPassive, regions(of: cell).isEmpty else { return [] }
            return [
                .init(location: "cell", message: "the cell is not passive, but has no communication region")
            ]
        },
        Rule(
            id: "JH0303", severity: .error, title: "the communication region is one page",
            consequence:
                "the hypervisor has one page for it: a larger region shows the cell memory of the hypervisor, a "
                + "smaller one is not mapped",
            remedy: "set its size to \"4 KiB\" and its address to a multiple of 0x1000"
        ) { cell in
            regions(of: cell)
                .filter { $0.region.size != MemoryRules.pageSize || $0.region.virtualStart % MemoryRules.pageSize != 0 }
                .map {
                    .init(
                        location: $0.location,
                        message: "the communication region has \(hexadecimal($0.region.size)) bytes at "
                            + hexadecimal($0.region.virtualStart)
                    )
                }
        },
        Rule(
            id: "JH0304", severity: .error, title: "nothing lies over the communication region",
            consequence:
                "which of the two the cell sees depends on their order: the program's memory is overwritten, or "
                + "it never sees a message",
            remedy: "move the region to where the program expects it, and let the memory around it end before it"
        ) { cell in
            MemoryRules.overlaps(in: cell, where: \.concernsCommunication)
        },
        Rule(
            id: "JH0305", severity: .error, title: "the program may read and write its communication region",
            consequence: "the program's first look there, or its first answer, ends the cell with an invalid access",
            remedy: "add \"read\" and \"write\" to its access"
        ) { cell in
            regions(of: cell).filter { !$0.region.flags.isSuperset(of: [.read, .write]) }
                .map {
                    let isReadable = $0.region.flags.contains(.read)
                    return .init(
                        location: $0.location,
                        message: "the communication region cannot be \(isReadable ? "written" : "read")",
                        // upstream's demos until v0.11 are so, and run; a passive one only writes when it gives up
                        severity: isReadable ? cell.isPassive ? .note : .warning : nil
                    )
                }
        },
    ]

    private static func regions(of cell: CellDescriptor) -> [(location: String, region: MemoryRegion)] {
        MemoryRules.regions(of: cell).filter { $0.region.flags.contains(.communicationRegion) }
    }
}
