// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

extension MachineRules {
    /// What Linux names of a PC in `/proc/ioports` and `/proc/iomem`.
    static let platformOfThePC = Rule<Subject>(
        id: "JH1327", severity: .warning,
        title: "a PC's timer, configuration space, IOMMUs and IOAPICs are where it has them",
        consequence:
            "the hypervisor takes what is at the given place for the device: enabling fails, or the true one is Linux's without "
            + "moderation",
        remedy: "copy the numbers from the message; 'jailhouse-ctl probe' reads all of them"
    ) { subject in
        guard let system = subject.system, case .x86(let part) = system.platform.specific else { return [] }
        let (machine, platform) = (subject.machine, system.platform)
        var violations: [Rule<Subject>.Violation] = []
        func compare(_ location: String, _ name: String, _ own: UInt64, _ lines: [RunningMachine.Resource]) {
            let known = lines.filter { $0.last > 0 }.map(\.first)
            guard own != 0, !known.isEmpty, !known.contains(own) else { return }
            violations.append(
                .init(
                    location: location,
                    message: "\(name) is \(hexadecimal(own)), the machine has "
                        + known.map { hexadecimal($0) }.joined(separator: ", "),
                    path: subject.systemPath))
        }
        compare(
            "platform.pm-timer-port", "pm-timer-port", UInt64(part.pmTimerPort),
            machine.ports.filter { $0.name == "ACPI PM_TMR" })
        compare(
            "platform.mmconfig-base", "mmconfig-base", platform.mmconfigBase,
            machine.memory.filter { $0.name.hasPrefix("PCI MMCONFIG") || $0.name.hasPrefix("PCI ECAM") })
        let units = machine.memory.filter { $0.name.hasPrefix("dmar") || $0.name.hasPrefix("amd_iommu") }
        for (index, unit) in platform.iommuUnits.prefix(platform.usedIOMMUUnits).enumerated() {
            compare("iommu[\(index)].base", "the unit's base", unit.base, units)
        }
        let chips = machine.memory.filter { $0.name.hasPrefix("IOAPIC") }
        for (location, chip) in InterruptRules.chips(of: system.rootCell) {
            compare("\(location).address", "the IOAPIC's address", chip.address, chips)
        }
        return violations
    }
}
