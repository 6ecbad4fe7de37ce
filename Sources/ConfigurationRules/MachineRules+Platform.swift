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
            compare(location, name, own, lines.filter { $0.last > 0 }.map(\.first))
        }
        func compare(_ location: String, _ name: String, _ own: UInt64, _ known: [UInt64]) {
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
            machine.memory.compactMap { $0.configurationSpace(ofDomain: platform.pciDomain) })
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

extension RunningMachine.Resource {
    /// Where the configuration space of a PCI domain's bus 0 is, by `PCI MMCONFIG 0000 [bus 00-ff]`, or `PCI ECAM` before it.
    fileprivate func configurationSpace(ofDomain domain: UInt16) -> UInt64? {
        let words = name.split(separator: " ")
        guard last > 0, words.count == 5, words[0] == "PCI", words[1] == "MMCONFIG" || words[1] == "ECAM",
            UInt16(words[2], radix: 16) == domain, let bus = UInt64(words[4].prefix(2), radix: 16), first >= bus << 20
        else { return nil }
        return first - bus << 20
    }
}
