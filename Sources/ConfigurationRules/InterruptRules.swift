// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about the pins of interrupt chips.
enum InterruptRules {
    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH1101", severity: .error, title: "the pins of a GIC begin at a multiple of 32, below 1024",
            consequence: "the hypervisor refuses it with EINVAL",
            remedy: "set pin-base to 32, 160, 288 and so on: a list has 128 pins, and there are 1024",
            isSaidOnce: true
        ) { cell in
            guard cell.architecture != .x86 else { return [] }
            return chips(of: cell).filter { $0.chip.pinBase % 32 != 0 || $0.chip.pinBase > 1024 - 128 }.map {
                .init(
                    location: "\($0.location).pin-base", message: "the pins begin at \($0.chip.pinBase)",
                    // a guess of the architecture is no error
                    severity: cell.isArchitectureGuessed ? .warning : nil)
            }
        },
        Rule(
            id: "JH1116", severity: .error, title: "an IOAPIC's pins are counted from 0",
            consequence: "the hypervisor refuses another pin-base with EINVAL: enabling, or creating the cell, fails",
            remedy: "remove pin-base from [[interrupt-chip]]; which interrupts of the system they are does not count"
        ) { cell in
            guard cell.architecture == .x86, !cell.isArchitectureGuessed else { return [] }
            return chips(of: cell).filter { $0.chip.pinBase != 0 }.map {
                .init(location: "\($0.location).pin-base", message: "the IOAPIC has the pin-base \($0.chip.pinBase)")
            }
        },
        Rule(
            id: "JH1109", severity: .warning, title: "a pin is in one interrupt chip record only",
            consequence: "the second entry has no effect",
            remedy: "remove the pins from one of the records"
        ) { cell in
            var seen: [UInt64: [Int: Int]] = [:]
            return chips(of: cell).enumerated().compactMap { index, found in
                var repeated: [Int] = []
                var first = index
                for pin in found.chip.pins {
                    if let earlier = seen[found.chip.address]?[pin] {
                        repeated.append(pin)
                        first = min(first, earlier)
                    } else {
                        seen[found.chip.address, default: [:]][pin] = index
                    }
                }
                guard !repeated.isEmpty else { return nil }
                return .init(
                    location: "\(found.location).pins",
                    message: "the pins \(NumberList.text(of: repeated)) at \(hexadecimal(found.chip.address)) are in "
                        + "interrupt-chip[\(first)], too")
            }
        },
        Rule(
            id: "JH1110", severity: .warning, title: "the interrupts of a cell's virtual PCI devices are its own",
            consequence: "the interrupt is never delivered to the cell; it is raised for the owner of that number",
            remedy: "add the number to the pins, or change vpci-interrupt-base",
            isSaidOnce: true
        ) { cell in
            guard cell.architecture != .x86 else { return [] }
            let pins = Set(cell.interruptChips.flatMap(\.pins))
            return IvshmemRules.devices(of: cell).filter { $0.device.msixVectors == 0 }.compactMap { location, device in
                // the four pins go by slot; the base is an SPI, and those begin at 32
                let number = 32 + Int(cell.vpciInterruptBase) + Int(device.address.device % 4)
                if pins.contains(number) {
                    guard cell.vpciInterruptBase == 0 else { return nil }
                    return .init(
                        location: location,
                        message: "the device \(device.address) raises interrupt \(number), because there is no "
                            + "vpci-interrupt-base: is it free?",
                        severity: .note)
                }
                return .init(
                    location: location,
                    message: "the device \(device.address) raises interrupt \(number) (32 + vpci-interrupt-base "
                        + "\(cell.vpciInterruptBase) + \(device.address.device % 4) for its slot), which is not among the "
                        + (pins.isEmpty ? "pins: there are none" : "pins")
                )
            }
        },
    ]

    /// Of a cell that is not the root cell.
    static let ofCells: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH1115", severity: .note, title: "a GIC's pins are interrupts that CPUs share",
            consequence: "the entry has no effect: each CPU has its own of these, in whichever cell it is",
            remedy: "remove them from the pins; a device tree's SPI number + 32 is the pin",
            isSaidOnce: true
        ) { cell in
            guard cell.architecture != .x86 else { return [] }
            return chips(of: cell).compactMap { location, chip in
                let own = chip.pins.filter { $0 < firstShared }
                guard !own.isEmpty else { return nil }
                return .init(
                    location: "\(location).pins",
                    message: "the pins \(NumberList.text(of: own)) are a CPU's own (SGIs: 0 to 15, PPIs: 16 to 31)")
            }
        }
    ]

    static let ofSystems: [Rule<SystemDescriptor>] = [
        Rule(
            id: "JH1118", severity: .warning, title: "Linux has interrupts",
            consequence:
                "the hypervisor keeps the interrupt controller to itself: Linux's next access to an IOAPIC stops that CPU, "
                + "and of a GIC no device's interrupt reaches Linux",
            remedy: "list the pins of the machine's IOAPICs, or of its GIC, in [[interrupt-chip]]"
        ) { system in
            let root = system.rootCell
            // of a board's links JH1110 says it
            let isSaid =
                system.architecture != .x86
                && IvshmemRules.devices(of: root).contains { $0.device.msixVectors == 0 }
            guard !isSaid, root.interruptChips.allSatisfy(\.pins.isEmpty) else { return [] }
            return [.init(location: "root-cell", message: "the root cell has no pin of an interrupt chip")]
        },
        Rule(
            id: "JH1105", severity: .error, title: "an Arm system's GIC has version 2 or 3",
            consequence: "the hypervisor has no driver for it: enabling fails",
            remedy: "set gic-version in [platform] to 2 (also for a GIC-400) or 3 (also for a GICv4)"
        ) { system in
            guard case .arm(let arm) = system.platform.specific, !(2...3).contains(arm.gicVersion) else { return [] }
            return [.init(location: "platform.gic-version", message: "there is no GIC of version \(arm.gicVersion)")]
        },
        Rule(
            id: "JH1106", severity: .error, title: "a GICv3 has redistributors",
            consequence: "the hypervisor finds no CPU's interrupts: enabling fails",
            remedy: "set gicr-base in [platform] (device tree: the second \"reg\" of the interrupt controller)"
        ) { system in
            guard case .arm(let arm) = system.platform.specific, arm.gicVersion == 3, arm.gicrBase == 0 else {
                return []
            }
            return [.init(location: "platform", message: "the GICv3 has no gicr-base")]
        },
        Rule(
            id: "JH1107", severity: .error, title: "a GICv2 has a CPU interface and its virtual counterparts",
            consequence: "the hypervisor uses address 0 as the interface's registers: enabling fails, or hangs",
            remedy:
                "set gicc-base, gich-base and gicv-base in [platform] (device tree: the 2nd, 3rd and 4th \"reg\" of the "
                + "interrupt controller)"
        ) { system in
            guard case .arm(let arm) = system.platform.specific, arm.gicVersion == 2 else { return [] }
            let bases = [("gicc-base", arm.giccBase), ("gich-base", arm.gichBase), ("gicv-base", arm.gicvBase)]
            let missing = bases.filter { $0.1 == 0 }.map(\.0)
            guard !missing.isEmpty else { return [] }
            return [.init(location: "platform", message: "the GICv2 has no \(missing.joined(separator: ", "))")]
        },
        Rule(
            id: "JH1111", severity: .error, title: "a GICv2 has at most 8 CPUs",
            consequence: "the hypervisor cannot send interrupts to the others: enabling fails",
            remedy: "set gic-version to 3 if the machine has a GICv3, or correct the CPUs"
        ) { system in
            guard case .arm(let arm) = system.platform.specific, arm.gicVersion == 2,
                let highest = system.rootCell.cpus.members.max(), highest > 7
            else { return [] }
            return [.init(location: "root-cell.cpus", message: "CPU \(highest) is in the set")]
        },
        Rule(
            id: "JH1108", severity: .warning, title: "the virtual PCI host controller has one bus",
            consequence: "the hypervisor has no devices on other buses; Linux scans them for nothing",
            remedy: "leave out mmconfig-end-bus in [platform]"
        ) { system in
            guard system.platform.virtualPCI == 1, system.platform.mmconfigEndBus > 0 else { return [] }
            return [
                .init(
                    location: "platform.mmconfig-end-bus",
                    message: "the virtual host controller has the buses 0 to \(system.platform.mmconfigEndBus)")
            ]
        },
    ]

    static let placement: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1117", severity: .warning,
            title: "interrupts of Linux's virtual PCI devices are not given to a cell",
            consequence:
                "the hypervisor raises the interrupt for the cell that has the number: Linux's end of the link gets none",
            remedy: "give the root cell another vpci-interrupt-base, or leave the number out of the cell's pins",
            isSaidOnce: true
        ) { placement in
            let root = placement.system.rootCell
            guard placement.system.architecture != .x86 else { return [] }
            let numbers = IvshmemRules.devices(of: root).filter { $0.device.msixVectors == 0 }.map {
                (device: $0.device, number: 32 + Int(root.vpciInterruptBase) + Int($0.device.address.device % 4))
            }
            return chips(of: placement.cell).compactMap { location, chip in
                guard let taken = numbers.first(where: { chip.pins.contains($0.number) }) else { return nil }
                return .init(
                    location: "\(location).pins",
                    message: "the pin \(taken.number) is the interrupt of Linux's device \(taken.device.address) (32 + "
                        + "vpci-interrupt-base \(root.vpciInterruptBase) + \(taken.device.address.device % 4) for its slot)"
                )
            }
        },
        Rule(
            id: "JH1102", severity: .error, title: "a cell's IOAPIC is one of the root cell's",
            consequence: "the hypervisor does not check it: it takes whatever is at that address for an IOAPIC",
            remedy: "use the address that the system's [[interrupt-chip]] has",
            isSaidOnce: true
        ) { placement in
            guard placement.system.architecture == .x86 else { return [] }
            let known = Set(placement.system.rootCell.interruptChips.map(\.address))
            return chips(of: placement.cell).filter { !known.contains($0.chip.address) }.map {
                .init(
                    location: $0.location,
                    message: "the cell has an IOAPIC at \(hexadecimal($0.chip.address)); the system has "
                        + (known.isEmpty
                            ? "none" : "one at " + known.sorted().map { hexadecimal($0) }.joined(separator: ", "))
                )
            }
        },
        Rule(
            id: "JH1114", severity: .warning, title: "a cell's IOAPIC has the id that the system gives it",
            consequence:
                "the hypervisor remaps interrupts for the device with the id: those of the cell's pins do not arrive",
            remedy: "copy \"id\" from the system's [[interrupt-chip]] with that address",
            isSaidOnce: true
        ) { placement in
            guard placement.system.architecture == .x86 else { return [] }
            let root = placement.system.rootCell.interruptChips
            return chips(of: placement.cell).compactMap { location, chip in
                let known = root.filter { $0.address == chip.address }
                guard let first = known.first, !known.contains(where: { $0.id == chip.id }) else { return nil }
                return .init(
                    location: "\(location).id",
                    message: "the IOAPIC at \(hexadecimal(chip.address)) has the id \(hexadecimal(chip.id)) here, but "
                        + "\(hexadecimal(first.id)) in the system")
            }
        },
        Rule(
            id: "JH1104", severity: .warning, title: "a cell's pins are the root cell's to give",
            consequence: "the hypervisor does not check it: Linux does not have the interrupt back afterwards",
            remedy: "add the pins to the system's [[interrupt-chip]], or correct them"
        ) { placement in
            var root: [UInt64: Set<Int>] = [:]
            for chip in placement.system.rootCell.interruptChips {
                root[chip.address, default: []].formUnion(chip.pins)
            }
            return chips(of: placement.cell).compactMap { location, chip in
                guard let known = root[chip.address] else { return nil }
                // those below 32 are each CPU's own: JH1115 speaks of them
                let isGIC = placement.system.architecture != .x86
                let missing = chip.pins.filter { !known.contains($0) && !(isGIC && $0 < InterruptRules.firstShared) }
                guard !missing.isEmpty else { return nil }
                return .init(
                    location: "\(location).pins",
                    message:
                        "the pins \(NumberList.text(of: missing)) at \(hexadecimal(chip.address)) are not the root "
                        + "cell's"
                )
            }
        },
    ]

    /// The first of a GIC's interrupts that CPUs share.
    static let firstShared = 32

    /// Of a cell, or of the root cell, on the machine.
    static let hardware: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1103", severity: .warning, title: "a cell's pins are of the machine's GIC",
            consequence: "the hypervisor passes over them: these interrupts never reach the cell",
            remedy: "set \"address\" to the gicd-base of the system's [platform]",
            isSaidOnce: true
        ) { placement in
            // without an address of the GIC there is nothing to compare
            // nor with a base that cannot be, of which JH1113 speaks
            guard case .arm(let arm) = placement.system.platform.specific, arm.gicdBase != 0,
                arm.gicdBase % (arm.gicVersion == 3 ? 0x1_0000 : 0x1000) == 0
            else { return [] }
            return chips(of: placement.cell).filter { $0.chip.address != arm.gicdBase && !$0.chip.pins.isEmpty }.map {
                .init(
                    location: $0.location,
                    message: "the interrupt chip is at \(hexadecimal($0.chip.address)), the GIC's distributor at "
                        + hexadecimal(arm.gicdBase)
                )
            }
        }
    ]

    static func chips(of cell: CellDescriptor) -> [(location: String, chip: InterruptChip)] {
        cell.interruptChips.enumerated().map { (location: "interrupt-chip[\($0.offset)]", chip: $0.element) }
    }
}
