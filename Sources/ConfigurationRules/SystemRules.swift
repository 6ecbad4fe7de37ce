// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about a system configuration, and about a cell in its system.
enum SystemRules {
    static let all: [Rule<SystemDescriptor>] = [
        Rule(
            id: "JH0701", severity: .error, title: "the hypervisor has memory in whole pages",
            consequence: "enabling fails, or the hypervisor overwrites what is around it",
            remedy: "give it some MiB that begin at a multiple of 0x1000, and reserve them on Linux's command line"
        ) { system in
            let memory = system.hypervisorMemory
            guard memory.size == 0 || (memory.physicalStart | memory.size) % MemoryRules.pageSize != 0 else {
                return []
            }
            return [
                .init(
                    location: "hypervisor-memory",
                    message:
                        "the hypervisor has \(hexadecimal(memory.size)) bytes at \(hexadecimal(memory.physicalStart))"
                )
            ]
        },
        Rule(
            id: "JH0702", severity: .error, title: "Linux has no access to the hypervisor's memory",
            consequence: "anything in Linux can overwrite the hypervisor, and with it every cell",
            remedy: "let the root cell's regions end before it and begin again behind it",
            isSaidOnce: true
        ) { system in
            guard let hypervisor = system.hypervisorMemory.physicalRange else { return [] }
            return MemoryRules.regions(of: system.rootCell)
                .filter { $0.region.physicalRange.map(hypervisor.overlaps) ?? false }
                .map {
                    .init(
                        location: $0.location,
                        message:
                            "the root cell's region \($0.region.quotedName) (\($0.region.physicalText)) lies over the "
                            + "hypervisor's memory (\(hypervisor.text))"
                    )
                }
        },
        Rule(
            id: "JH0703", severity: .warning, title: "what the hypervisor prints can be read",
            consequence: "when a cell fails, the reason cannot be seen",
            remedy: "set virtual-debug-console = true in [system]"
        ) { system in
            guard !system.flags.contains(.virtualDebugConsole) else { return [] }
            return [.init(location: "system", message: "Linux may not read the hypervisor's console")]
        },
        Rule(
            id: "JH0710", severity: .note, title: "Linux's device registers are mapped as a device's on Arm",
            consequence:
                "nothing while Linux itself maps them as a device's, as its drivers do; the next who copies the entry into a "
                + "cell may have a program that does not",
            remedy: "add \"io\" to the region's access"
        ) { system in
            let console = system.debugConsole
            guard system.architecture != .x86, console.kind != .none, console.flags.contains(.mmio),
                let found = MemoryRules.regions(of: system.rootCell).first(where: {
                    $0.region.flags.isDisjoint(with: [.io, .execute])
                        && ($0.region.physicalRange?.contains(console.address) ?? false)
                })
            else { return [] }
            return [
                .init(
                    location: found.location,
                    message: "the root cell's region \(found.region.quotedName) (\(found.region.physicalText)) has the "
                        + "registers of the debug console, and is not \"io\"")
            ]
        },
    ]

    /// A cell and the system that it is to run in.
    struct Placement {
        var cell: CellDescriptor
        var system: SystemDescriptor

        /// Whether an interrupt chip of the cell is one of the system's.
        var sharesInterruptChip: Bool {
            let chips = Set(system.rootCell.interruptChips.map(\.address))
            return cell.interruptChips.contains { chips.contains($0.address) }
        }
    }

    static let placement: [Rule<Placement>] = [
        Rule(
            id: "JH0501", severity: .error, title: "cell and system are of one architecture",
            consequence: "creating the cell reports success and does nothing",
            remedy: "use the cell's configuration for this machine"
        ) { placement in
            let system = placement.system.architecture
            var cell = placement.cell.architecture
            var isGuess = placement.system.rootCell.isArchitectureGuessed
            // before revision 14 the file does not say it, but its contents may
            if cell == system, placement.cell.revision.rawValue < 14, let seen = placement.cell.typicalArchitecture,
                (seen == .x86) != (system == .x86), !placement.sharesInterruptChip
            {
                (cell, isGuess) = (seen, true)
            }
            guard cell != system else { return [] }
            // a file before revision 14 does not say which of the two it is for
            if isGuess, cell != .x86, system != .x86 { return [] }
            return [
                .init(
                    location: "cell.architecture",
                    message:
                        "the cell is for \(cell.name), the system for \(system.name)\(isGuess ? ", as it seems" : "")",
                    severity: isGuess ? .warning : nil)
            ]
        },
        Rule(
            id: "JH0510", severity: .error, title: "cell and system are of one revision",
            consequence: "the driver takes one revision only: creating the cell fails with EINVAL",
            remedy: "compile both for the revision of the Jailhouse that runs (revision = 10 to 14)"
        ) { placement in
            let (cell, system) = (placement.cell.revision, placement.system.revision)
            guard cell != system else { return [] }
            if placement.cell.isRevisionAssumed {
                // it follows the system, as far as that can be
                do throws(ConfigurationError) {
                    _ = try placement.cell.binary(as: placement.system.format)
                    return []
                } catch {
                    return [.init(location: "cell", message: "the system is of revision \(system.rawValue): \(error)")]
                }
            }
            return [
                .init(
                    location: "cell.revision",
                    message: "the cell is of revision \(cell.rawValue), the system of revision \(system.rawValue)")
            ]
        },
        Rule(
            id: "JH0502", severity: .error, title: "a cell's CPUs are Linux's to give",
            consequence: "creating the cell fails with EBUSY",
            remedy: "take CPUs that the root cell has, and leave it one"
        ) { placement in
            let root = placement.system.rootCell.cpus
            let missing = placement.cell.cpus.members.filter { !root.contains($0) }
            // on x86 CPU 0 is among them, which no cell has
            if placement.cell.architecture != .x86, !root.members.isEmpty,
                Set(placement.cell.cpus.members).isSuperset(of: root.members)
            {
                return [
                    .init(
                        location: "cell.cpus",
                        message: "the cell takes all CPUs of the root cell (\(root.list)): none is left for Linux")
                ]
            }
            guard !missing.isEmpty else { return [] }
            return [
                .init(
                    location: "cell.cpus",
                    message: "CPU \(NumberList.text(of: missing)) is not among the root cell's (\(root.list))"
                )
            ]
        },
        Rule(
            id: "JH0503", severity: .error, title: "a cell is not called as the root cell is",
            consequence: "creating the cell fails with EEXIST",
            remedy: "give it another name"
        ) { placement in
            guard placement.cell.name == placement.system.rootCell.name else { return [] }
            return [.init(location: "cell.name", message: "the root cell is called \"\(placement.cell.name)\", too")]
        },
        Rule(
            id: "JH0504", severity: .error, title: "a cell's program memory is memory that Linux had",
            consequence:
                "to load the cell, Linux writes to this memory; what it was never given it cannot write, and that "
                + "CPU of Linux is stopped for good",
            remedy:
                "take it from the memory that the system configuration keeps for cells, or add it to the root cell's",
            isSaidOnce: true
        ) { placement in
            foreignMemory(placement).filter { $0.region.flags.contains(.loadable) }.map { message($0, placement) }
        },
        Rule(
            id: "JH0505", severity: .note, title: "a cell's memory is known to the system configuration",
            consequence:
                "Linux cannot reach it, before the cell exists and after, which is as it should be unless the address is wrong",
            remedy: "check the address; if Linux is to use it without the cell, add it to the root cell's regions",
            isSaidOnce: true
        ) { placement in
            let known = IvshmemRules.sectionsOfUnequalLinks(placement)
            return foreignMemory(placement).filter {
                !$0.region.flags.contains(.loadable) && !known.contains($0.location)
            }.map { message($0, placement) }
        },
        Rule(
            id: "JH0506", severity: .error, title: "a cell has no part of the hypervisor's memory",
            consequence:
                "the hypervisor does not check it: the program in the cell can overwrite it, and with it the machine",
            remedy: "take other memory",
            isSaidOnce: true
        ) { placement in
            guard let hypervisor = placement.system.hypervisorMemory.physicalRange else { return [] }
            return MemoryRules.regions(of: placement.cell)
                .filter { $0.region.physicalRange.map(hypervisor.overlaps) ?? false }
                .map {
                    .init(
                        location: $0.location,
                        message:
                            "the region \($0.region.quotedName) (physical \($0.region.physicalText)) lies over the "
                            + "hypervisor's memory (\(hypervisor.text))"
                    )
                }
        },
    ]

    /// For Arm cells; a PC's memory types come from its firmware.
    static let armPlacement: [Rule<Placement>] = [
        Rule(
            id: "JH0513", severity: .warning, title: "an Arm cell's device registers are mapped as a device's",
            consequence:
                "the processor caches them: writes reach the device late, together or never, and reads return old values",
            remedy: "add \"io\" to the region's access; memory beside devices, such as SRAM, may do without",
            isSaidOnce: true
        ) { placement in
            guard placement.system.architecture != .x86 else { return [] }
            let root = placement.system.rootCell.memoryRegions
            func holds(_ range: AddressRange, _ isMeant: (MemoryRegion) -> Bool) -> Bool {
                root.contains { isMeant($0) && ($0.physicalRange.map { range.isCovered(by: [$0]) } ?? false) }
            }
            return MemoryRules.regions(of: placement.cell).filter { _, region in
                guard region.flags.isDisjoint(with: [.io, .execute, .loadable]), let range = region.physicalRange
                else { return false }
                return holds(range) { $0.flags.contains(.io) } && !holds(range) { !$0.flags.contains(.io) }
            }.map {
                .init(
                    location: $0.location,
                    message: "the region \($0.region.quotedName) (physical \($0.region.physicalText)) is among the "
                        + "root cell's devices, but not \"io\"")
            }
        },
        Rule(
            id: "JH0514", severity: .note, title: "devices of an Arm cell find its memory where the cell sees it",
            consequence:
                "without an IOMMU a device uses physical addresses: told the cell's, it reads and overwrites other memory",
            remedy:
                "let \"virtual\" of the RAM be its physical address (leave it out), or tell devices addresses with the "
                + "difference added",
            isSaidOnce: true
        ) { placement in
            guard placement.system.architecture != .x86, placement.system.platform.usedIOMMUUnits == 0,
                placement.cell.memoryRegions.contains(where: { region in
                    // a serial port does no DMA
                    region.size > 0 && region.flags.contains(.io) && !region.flags.contains(.rootShared)
                        && !(region.virtualRange?.contains(placement.cell.console.address) ?? false)
                })
            else { return [] }
            return MemoryRules.regions(of: placement.cell).filter { _, region in
                region.flags.isSuperset(of: [.dma, .write]) && region.virtualStart != region.physicalStart
            }.map {
                .init(
                    location: $0.location,
                    message: "the region \($0.region.quotedName) is \"dma\", physical \($0.region.physicalText), and "
                        + "the cell sees it at \(hexadecimal($0.region.virtualStart))")
            }
        },
    ]

    /// The cell's regions that the root cell's regions do not hold.
    private static func foreignMemory(_ placement: Placement) -> [(location: String, region: MemoryRegion)] {
        let root = placement.system.rootCell.memoryRegions.compactMap(\.physicalRange)
        let hypervisor = placement.system.hypervisorMemory.physicalRange
        return MemoryRules.regions(of: placement.cell).filter { _, region in
            guard let range = region.physicalRange else { return false }
            // over the hypervisor's memory there is a rule of its own
            return !range.isCovered(by: root) && !(hypervisor.map(range.overlaps) ?? false)
        }
    }

    private static func message(
        _ found: (location: String, region: MemoryRegion), _ placement: Placement
    ) -> Rule<Placement>.Violation {
        .init(
            location: found.location,
            message:
                "the region \(found.region.quotedName) (physical \(found.region.physicalText)) is not within the root "
                + "cell's regions"
        )
    }
}
