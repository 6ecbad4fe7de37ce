/// Rules about the pins of interrupt chips.
enum InterruptRules {
    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH1101", severity: .error, title: "the pins of a GIC begin at a multiple of 32, below 1024",
            consequence: "the hypervisor refuses it with EINVAL",
            remedy: "set pin-base to 32, 160, 288 and so on: a list has 128 pins, and there are 1024"
        ) { cell in
            guard cell.architecture != .x86 else { return [] }
            return chips(of: cell).filter { $0.chip.pinBase % 32 != 0 || $0.chip.pinBase > 1024 - 128 }.map {
                .init(location: "\($0.location).pin-base", message: "the pins begin at \($0.chip.pinBase)")
            }
        }
    ]

    static let placement: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1102", severity: .error, title: "a cell's IOAPIC is one of the root cell's",
            consequence: "the hypervisor does not check it: it takes whatever is at that address for an IOAPIC",
            remedy: "use the address that the system's [[interrupt-chip]] has"
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
                let missing = chip.pins.filter { !known.contains($0) }
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

    /// Of a cell, or of the root cell, on the machine.
    static let hardware: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1103", severity: .warning, title: "a cell's pins are of the machine's GIC",
            consequence: "the hypervisor passes over them: these interrupts never reach the cell",
            remedy: "set \"address\" to the gicd-base of the system's [platform]"
        ) { placement in
            guard case .arm(let arm) = placement.system.platform.specific else { return [] }
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
