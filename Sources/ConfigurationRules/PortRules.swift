// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about x86 I/O ports.
enum PortRules {
    static let all: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH1501", severity: .error, title: "I/O ports end at 0xffff",
            consequence: "the hypervisor does not check it: it writes past the end of its port bitmap",
            remedy: "correct \"base\" or \"count\": base + count is at most 0x10000"
        ) { cell in
            regions(of: cell).filter { UInt64($0.ports.base) + UInt64($0.ports.count) > 0x1_0000 }.map {
                .init(
                    location: $0.location,
                    message: "\(hexadecimal($0.ports.count)) ports from \(hexadecimal($0.ports.base)) end beyond 0xffff"
                )
            }
        },
        Rule(
            id: "JH1502", severity: .warning, title: "a port region has ports",
            consequence: "the entry has no effect",
            remedy: "set \"count\", or remove the entry",
            isSaidOnce: true
        ) { cell in
            regions(of: cell).filter { $0.ports.count == 0 }.map {
                .init(location: $0.location, message: "the region at \(hexadecimal($0.ports.base)) has no ports")
            }
        },
    ]

    static let ofCells: [Rule<CellDescriptor>] = [
        Rule(
            id: "JH1503", severity: .error, title: "a cell does not list the PCI configuration ports",
            consequence:
                "the hypervisor moderates these ports for cells that do not list them; a cell that does gets "
                + "unmoderated access to the configuration space of all PCI devices, also Linux's",
            remedy: "leave out ports 0xcf8–0xcff: every cell can use them for its own devices anyway"
        ) { cell in
            regions(of: cell).filter { overlap($0.ports, PCPorts.pciConfiguration) != nil }.map {
                .init(
                    location: $0.location,
                    message: "the ports \($0.ports.text) give access to PCI configuration space (0xcf8–0xcff)")
            }
        },
        Rule(
            id: "JH0403", severity: .note, title: "a cell with a UART's ports has a console",
            consequence: "a program that takes its console from the communication region prints nothing",
            remedy: "set console = { type = \"8250\", address = … } in [cell]",
            isSaidOnce: true
        ) { cell in
            guard cell.architecture == .x86, cell.console.kind == .none else { return [] }
            return regions(of: cell).compactMap { location, ports in
                PCPorts.serial.first { ports.portRange.map(contains($0.ports)) ?? false }.map {
                    .init(
                        location: location,
                        message: "the cell has the ports of \($0.name) (\(ports.text)), but no console is set")
                }
            }
        },
    ]

    /// A cell in its system.
    static let placement: [Rule<SystemRules.Placement>] = [
        Rule(
            id: "JH1504", severity: .error, title: "a cell takes no ports of the PC's own hardware from Linux",
            consequence:
                "while the cell exists, Linux's next access to such a port stops that CPU of Linux for good "
                + "(`FATAL: Invalid PIO …`, `Parking CPU`): setting up an interrupt writes to the 8259A, a cursor "
                + "movement to the VGA",
            remedy: "leave the ports out, and build the program without that driver (JH0841 lists what it drives)"
        ) { placement in
            portsFromThePC(placement)
        },
        Rule(
            id: "JH1505", severity: .note, title: "a cell has a serial port of its own",
            consequence:
                "while the cell exists the port is taken from Linux: if Linux opens it or uses it as its console, "
                + "that CPU of Linux stops for good",
            remedy: "keep Linux from using it (no console=ttyS…, no getty), or give the cell another serial port"
        ) { placement in
            var said: Set<String> = []
            return shared(placement, with: PCPorts.serial).compactMap { location, ports, devices in
                guard said.insert(listed(devices)).inserted else { return nil }
                return .init(
                    location: location,
                    message: "the ports \(ports.text) take \(listed(devices)) from Linux while the cell exists")
            }
        },
    ]

    private static func portsFromThePC(
        _ placement: SystemRules.Placement
    ) -> [Rule<SystemRules.Placement>.Violation] {
        let known = shared(placement, with: PCPorts.board).map { location, ports, devices in
            Rule<SystemRules.Placement>.Violation(
                location: location, message: "the ports \(ports.text) take \(listed(devices)) from Linux")
        }
        let places = known.map(\.location)
        return known + timerViolations(placement).filter { !places.contains($0.location) }
    }

    /// Where JH1504 has something to say.
    static func locationsOfThePC(_ placement: SystemRules.Placement) -> Set<String> {
        Set(portsFromThePC(placement).map(\.location))
    }

    /// Every cell may read the PM timer without having its ports, and Linux reads it to check its other clocks.
    private static func timerViolations(
        _ placement: SystemRules.Placement
    ) -> [Rule<SystemRules.Placement>.Violation] {
        guard case .x86(let part) = placement.system.platform.specific, part.pmTimerPort != 0 else { return [] }
        let port = UInt64(part.pmTimerPort)
        let timer = PCPorts.Device("the ACPI PM timer", port...port + 3)
        return regions(of: placement.cell).filter { overlap($0.ports, timer) != nil }.map {
            .init(
                location: $0.location,
                message:
                    "the ports \($0.ports.text) take the ACPI PM timer (\(AddressRange(timer.ports).text)) from Linux; "
                    + "a cell can read it without them")
        }
    }

    /// Single ports that a cell can have without Linux losing anything: the hypervisor looks at each access to the keyboard
    /// controller's command port, whoever has it, and ignores what is written to the POST code's (hypervisor/arch/x86).
    static func isHarmless(_ range: AddressRange) -> Bool {
        range.first == range.last && [0x64, 0x80].contains(range.first)
    }

    /// Whether ``placement``'s rules have reported these ports already, so that another rule need not.
    static func isReported(_ range: AddressRange, in system: SystemDescriptor?) -> Bool {
        guard let system else { return false }
        let taken = PCPorts.board.filter { range.overlaps(AddressRange($0.ports)) }
        return taken.contains { device in
            system.rootCell.ioPortRegions.contains { $0.portRange?.overlaps(AddressRange(device.ports)) ?? false }
        }
    }

    /// The cell's ports that are of the PC's own hardware, and what is to be said of them.
    static func portsOfThePC(of cell: CellDescriptor) -> [(location: String, message: String)] {
        regions(of: cell).compactMap { location, ports in
            let taken = PCPorts.board.filter { overlap(ports, $0) != nil }
            return taken.isEmpty ? nil : (location, "the ports \(ports.text) take \(listed(taken)) from Linux")
        }
    }

    static func regions(of cell: CellDescriptor) -> [(location: String, ports: IOPortRegion)] {
        cell.ioPortRegions.enumerated().map { (location: "ports[\($0.offset)]", ports: $0.element) }
    }

    /// The cell's ports that are of one of these devices and that the root cell has, too.
    private static func shared(
        _ placement: SystemRules.Placement, with devices: [PCPorts.Device]
    ) -> [(location: String, ports: IOPortRegion, devices: [PCPorts.Device])] {
        let root = placement.system.rootCell.ioPortRegions.compactMap(\.portRange)
        return regions(of: placement.cell).compactMap { location, ports in
            let taken = devices.filter { device in
                overlap(ports, device).map { common in root.contains { $0.overlaps(common) } } ?? false
            }
            return taken.isEmpty ? nil : (location, ports, taken)
        }
    }

    private static func overlap(_ ports: IOPortRegion, _ device: PCPorts.Device) -> AddressRange? {
        guard let range = ports.portRange, range.overlaps(AddressRange(device.ports)) else { return nil }
        let (first, last) = (max(range.first, device.ports.lowerBound), min(range.last, device.ports.upperBound))
        let common = AddressRange(first...last)
        return isHarmless(common) ? nil : common
    }

    private static func contains(_ ports: ClosedRange<UInt64>) -> (AddressRange) -> Bool {
        { $0.first <= ports.lowerBound && ports.upperBound <= $0.last }
    }

    private static func listed(_ devices: [PCPorts.Device]) -> String { devices.map(\.name).joined(separator: ", ") }
}

extension AddressRange {
    init(_ range: ClosedRange<UInt64>) {
        (first, last) = (range.lowerBound, range.upperBound)
    }
}
