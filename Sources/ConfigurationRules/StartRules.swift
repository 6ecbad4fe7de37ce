// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about how a cell comes up.
enum StartRules {
    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH0401", severity: .error, title: "a cell begins in memory that it may execute",
            consequence: "the first instruction already ends the cell with an invalid access",
            remedy:
                "set reset-address to where the program's first instruction is loaded, and give that region \"execute\""
        ) { cell in
            // on Arm what may be read may be executed
            let needed: MemoryRegion.Flags = cell.architecture == .x86 ? .execute : .read
            let executable = cell.memoryRegions.filter { $0.flags.contains(needed) }.compactMap(\.virtualRange)
            guard !executable.contains(where: { $0.contains(cell.cpuResetAddress) }) else { return [] }
            let places = executable.isEmpty ? "nothing" : executable.map(\.text).joined(separator: ", ")
            return [
                .init(
                    location: "cell.reset-address",
                    message: "the cell begins at \(hexadecimal(cell.cpuResetAddress)), but can execute \(places)"
                )
            ]
        },
        Rule(
            id: "JH0405", severity: .warning, title: "a cell has memory that an image can be loaded into",
            consequence: "no image can be loaded: the cell runs whatever is in its memory",
            remedy: "add \"loadable\" (and \"write\") to the access of its RAM"
        ) { cell in
            guard !cell.memoryRegions.contains(where: { $0.flags.isSuperset(of: [.loadable, .write]) && $0.size > 0 })
            else { return [] }
            return [.init(location: "memory", message: "no region is both \"loadable\" and \"write\"")]
        },
        Rule(
            id: "JH0406", severity: .warning, title: "an Arm cell begins where an image can be loaded",
            consequence: "no image reaches the place where the first CPU begins: it executes what is there by chance",
            remedy: "set reset-address to the image's entry, or add \"loadable\" and \"write\" to that region's access"
        ) { cell in
            let loadable = cell.memoryRegions.filter { $0.flags.isSuperset(of: [.loadable, .write]) }
                .compactMap(\.virtualRange)
            let readable = cell.memoryRegions.filter { $0.flags.contains(.read) }.compactMap(\.virtualRange)
            let begin = cell.cpuResetAddress
            // of a cell with no such memory, or that begins nowhere, other rules speak
            guard cell.architecture != .x86, !loadable.isEmpty, readable.contains(where: { $0.contains(begin) }),
                !loadable.contains(where: { $0.contains(begin) })
            else { return [] }
            return [
                .init(
                    location: "cell.reset-address",
                    message: "the cell begins at \(hexadecimal(begin)), but images can be loaded into "
                        + loadable.map(\.text).joined(separator: ", "))
            ]
        },
        Rule(
            id: "JH0402", severity: .warning, title: "the console's ports or registers belong to the cell",
            consequence:
                "a program that prints there, as its configuration requests, ends: with `FATAL: Invalid PIO write`, or at "
                + "an address that it does not have",
            remedy:
                "list its ports in [[ports]], or its registers in [[memory]] with \"read\", \"write\" and \"io\", where "
                + "\"virtual\" is the console's address"
        ) { cell in
            let console = cell.console
            guard console.kind != .none else { return [] }
            guard cell.architecture == .x86, !console.flags.contains(.mmio) else {
                return missingRegisters(of: cell).map { [.init(location: "cell.console", message: $0)] } ?? []
            }
            let ports = cell.ioPortRegions.compactMap { AddressRange(start: UInt64($0.base), size: UInt64($0.count)) }
            guard !ports.contains(where: { $0.contains(console.address) }) else { return [] }
            return [
                .init(
                    location: "cell.console",
                    message:
                        "the console is at port \(hexadecimal(console.address)), which is not among the cell's ports"
                )
            ]
        },
    ]

    /// What is wrong with a console in memory. Programs look for it at its address as the cell sees it.
    private static func missingRegisters(of cell: CellDescriptor) -> String? {
        let address = cell.console.address
        let place = "the console is at \(hexadecimal(address))"
        let there = MemoryRules.regions(of: cell).filter { $0.region.virtualRange?.contains(address) ?? false }
        guard let (location, region) = there.last else { return "\(place), where the cell has no memory region" }
        if region.flags.contains(.communicationRegion) { return "\(place), which is the communication region" }
        guard !region.flags.isSuperset(of: [.read, .write]) else { return nil }
        let missing = region.flags.contains(.read) ? "written" : "read"
        return "\(place), in the region \(region.quotedName) (\(location)), which cannot be \(missing)"
    }
}
