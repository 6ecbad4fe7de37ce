// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

extension MachineRules {
    static let linuxKeepsItsMemory = Rule<Subject>(
        id: "JH1317", severity: .warning, title: "the root cell has the memory that Linux uses",
        consequence:
            "Linux loses a CPU for good as soon as it touches that memory, most often right after the hypervisor is enabled",
        remedy: "add it to the [[memory]] of the system: 'jailhouse-ctl probe' proposes all regions of this machine"
    ) { subject in
        violations(missing(in: subject, where: \.isLinuxMemory), subject.systemPath, "RAM that Linux uses")
    }

    static let linuxKeepsFirmwaresTables = Rule<Subject>(
        id: "JH1318", severity: .warning, title: "the root cell has the firmware's tables",
        consequence:
            "a program that reads them in Linux (/sys/firmware/acpi/tables, a suspend, a driver) costs a CPU of Linux",
        remedy: "add them to the [[memory]] of the system, to be read: 'jailhouse-ctl probe' proposes it"
    ) { subject in
        violations(
            missing(in: subject) { $0.name == "ACPI Tables" || $0.name.hasPrefix("ACPI Non-volatile") },
            subject.systemPath, "the firmware's tables")
    }

    /// The outermost lines of `/proc/iomem` that the root cell may not read.
    private static func missing(
        in subject: Subject, where isMeant: (RunningMachine.Resource) -> Bool
    ) -> [AddressRange] {
        guard let system = subject.system, !subject.machine.hidesAddresses, !subject.isForAnotherMachine else {
            return []
        }
        let memory = subject.machine.memory
        // below the list of RAM Linux names what it leaves alone
        let kept = memory.filter { $0.name.lowercased() == "reserved" && !$0.parents.isEmpty }.compactMap(\.range)
        let readable = system.rootCell.memoryRegions.filter { $0.flags.contains(.read) }.compactMap(\.physicalRange)
        let known = readable + kept + [system.hypervisorMemory.physicalRange].compactMap(\.self)
        // a line without addresses says nothing
        return memory.filter { ($0.parents.isEmpty || $0.isAddedMemory) && $0.last > 0 && isMeant($0) }.compactMap(
            \.range
        ).filter {
            !$0.isCovered(by: known)
        }
    }

    private static func violations(
        _ ranges: [AddressRange], _ path: String?, _ what: String
    ) -> [Rule<Subject>.Violation] {
        guard !ranges.isEmpty else { return [] }
        return [
            .init(
                location: "memory",
                message: "no region of [root-cell] has all of \(listed(ranges.map(\.text))), \(what)", path: path)
        ]
    }

    /// The first of them, and how many more there are.
    static func listed(_ names: [String]) -> String {
        let shown = names.prefix(8)
        return shown.joined(separator: ", ")
            + (names.count > shown.count ? " and \(names.count - shown.count) more" : "")
    }
}
