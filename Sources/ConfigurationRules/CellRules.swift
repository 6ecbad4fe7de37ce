// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// Rules about what a cell is called and which processors it has.
enum CellRules {
    /// A cell and its table: `cell` or `root-cell`.
    struct Subject {
        var cell: CellDescriptor
        var table: String
    }

    /// Of what the hypervisor maps of a new cell's configuration, in bytes.
    private static let sizeLimit = 64 << 10

    static let all: [Rule<Subject>] = [
        Rule(
            id: "JH0101", severity: .error, title: "a cell has a name",
            consequence: "the hypervisor accepts it, but no command can name the cell to start or stop it",
            remedy: "give it a name"
        ) { subject in
            guard subject.cell.name.isEmpty else { return [] }
            return [.init(location: "\(subject.table).name", message: "the name is empty")]
        },
        Rule(
            id: "JH0102", severity: .error, title: "a name has at most 31 bytes",
            consequence: "its field has no room for the zero at its end, so that what follows it is read as part of it",
            remedy: "shorten the name; letters beyond ASCII count as two bytes or more"
        ) { subject in
            let name = subject.cell.nameField.prefix { $0 != 0 }
            guard name.count > CellDescriptor.nameLimit else { return [] }
            return [
                .init(
                    location: "\(subject.table).name",
                    message: "the name \"\(subject.cell.name)\" has \(name.count) bytes"
                )
            ]
        },
        Rule(
            id: "JH0103", severity: .error, title: "a cell has at least one CPU",
            consequence: "the hypervisor accepts it, but nothing in it can ever run",
            remedy: "list the CPUs that it takes from Linux in \"cpus\""
        ) { subject in
            guard subject.cell.cpus.isEmpty else { return [] }
            return [.init(location: "\(subject.table).cpus", message: "there is no CPU in the set")]
        },
        Rule(
            id: "JH0104", severity: .error, title: "CPU 0 of an x86 machine stays with Linux",
            consequence: "creating the cell fails with EINVAL: Linux cannot give CPU 0 away",
            remedy: "take another CPU"
        ) { subject in
            let cell = subject.cell
            guard subject.table == "cell", cell.architecture == .x86, cell.cpus.contains(0) else { return [] }
            // a guess of the architecture is no error
            return [
                .init(
                    location: "cell.cpus",
                    message: "CPU 0 is in the set (\(cell.cpus.list))"
                        + (cell.isArchitectureGuessed ? ", and the cell seems to be for x86" : ""),
                    severity: cell.isArchitectureGuessed ? .warning : nil)
            ]
        },
        Rule(
            id: "JH0108", severity: .warning,
            title: "a 32-bit cell of a 64-bit Arm machine has one CPU and prints by itself",
            consequence:
                "the hypervisor answers such a cell neither PSCI nor hypercalls: its other CPUs never start, and the first "
                + "call of either kind ends the cell",
            remedy: "give it one CPU and a serial port, and no virtual console"
        ) { subject in
            let cell = subject.cell
            guard cell.architecture == .arm64, cell.flags.contains(.aarch32) else { return [] }
            var violations: [Rule<Subject>.Violation] = []
            if cell.cpus.members.count > 1 {
                violations.append(
                    .init(location: "\(subject.table).cpus", message: "the 32-bit cell has the CPUs \(cell.cpus.list)"))
            }
            if !cell.flags.isDisjoint(with: [.virtualConsoleActive, .virtualConsolePermitted]) {
                violations.append(
                    .init(
                        location: "\(subject.table).virtual-console",
                        message: "the 32-bit cell may print on the virtual console"))
            }
            return violations
        },
        Rule(
            id: "JH0109", severity: .warning, title: "a cell has nothing that its architecture does not have",
            consequence:
                "the hypervisor of this architecture does not look at it: what was meant by it does not happen",
            remedy: "remove the key, or correct the architecture"
        ) { subject in
            let cell = subject.cell
            guard !cell.isArchitectureGuessed else { return [] }
            let table = subject.table
            let things: [(name: String, location: String, isThere: Bool, owner: String)] =
                cell.architecture == .x86
                ? [
                    ("aarch32", "\(table).aarch32", cell.flags.contains(.aarch32), "Arm64"),
                    ("vpci-interrupt-base", "\(table).vpci-interrupt-base", cell.vpciInterruptBase != 0, "Arm"),
                    ("stream-ids", "\(table).stream-ids", !cell.streamIDs.isEmpty, "Arm"),
                ]
                : [
                    (
                        "aarch32", "\(table).aarch32", cell.architecture == .arm && cell.flags.contains(.aarch32),
                        "Arm64"
                    ),
                    ("[[cache]]", "cache[0]", !cell.cacheRegions.isEmpty, "x86"),
                    ("[[ports]]", "ports[0]", !cell.ioPortRegions.isEmpty, "x86"),
                ]
            return things.filter(\.isThere).map { name, location, _, owner in
                .init(
                    location: location,
                    message: "\(name) means nothing on \(cell.architecture.name): only \(owner) has it")
            }
        },
        Rule(
            id: "JH0111", severity: .error, title: "a configuration has at most 64 KiB",
            consequence: "the hypervisor refuses it with E2BIG",
            remedy: "join regions that adjoin, or leave some out"
        ) { subject in
            // the root cell's is part of the system's, which has its place in the hypervisor's memory
            guard subject.table == "cell", let size = try? subject.cell.binary().count - subject.cell.surplus.count,
                size > sizeLimit
            else { return [] }
            return [
                .init(
                    location: "cell",
                    message: "compiled, the configuration has \(size) bytes, with \(subject.cell.memoryRegions.count) "
                        + "memory regions")
            ]
        },
        Rule(
            id: "JH0110", severity: .warning, title: "flags have a meaning",
            consequence: "the bits have no effect: what was meant by them does not happen",
            remedy: "remove \"other-flags\" or \"other-access\", or use the release of the hypervisor that has them"
        ) { subject in
            var flags = subject.cell.flags.subtracting(.known)
            flags.insert(CellDescriptor.Flags(rawValue: subject.cell.meaninglessFlags))
            let own: [Rule<Subject>.Violation] =
                flags.isEmpty
                ? []
                : [
                    .init(
                        location: "\(subject.table).other-flags",
                        message: "the flags \(hexadecimal(flags.rawValue)) have no meaning for a cell")
                ]
            let others: [Rule<Subject>.Violation] =
                subject.cell.cacheRegions.enumerated().compactMap { index, region in
                    let flags = region.flags.subtracting(.rootShared)
                    return flags.isEmpty
                        ? nil
                        : .init(
                            location: "cache[\(index)].other-flags",
                            message: "the flags \(hexadecimal(flags.rawValue)) have no meaning for a part of the cache")
                }
                + subject.cell.pciCapabilities.enumerated().compactMap { index, capability in
                    let flags = capability.flags.subtracting(.write)
                    return flags.isEmpty
                        ? nil
                        : .init(
                            location: "pci-capability[\(index)].other-flags",
                            message: "the flags \(hexadecimal(flags.rawValue)) have no meaning for a capability")
                }
            return own + others
                + subject.cell.memoryRegions.enumerated().compactMap { index, region in
                    var access = region.flags.subtracting(.known)
                    access.insert(MemoryRegion.Flags(rawValue: region.meaninglessBits))
                    guard !access.isEmpty else { return nil }
                    return .init(
                        location: "memory[\(index)].other-access",
                        message:
                            "the bits \(hexadecimal(access.rawValue)) of the region \(region.quotedName) have no meaning"
                    )
                }
        },
        Rule(
            id: "JH0106", severity: .error, title: "the lists of a compiled file are in the format's order",
            consequence: "everything behind the list that is out of place means something else",
            remedy:
                "in the C source, initialise the structure's lists in the order of its declaration: memory, cache, "
                + "interrupt chips, ports, PCI devices, capabilities, stream ids"
        ) { subject in
            let nonsense = subject.cell.listsWithNonsense
            guard nonsense.count > 1 else { return [] }
            return [
                .init(
                    location: subject.table,
                    message: "\(nonsense.joined(separator: ", and ")): the lists of the C structure are probably in "
                        + "another order")
            ]
        },
        Rule(
            id: "JH0107", severity: .warning, title: "a compiled file ends where its lists end",
            consequence:
                "the driver ignores the bytes: if they are an entry that the C source has, but does not count, the cell "
                + "is without it",
            remedy: "correct the number of entries in the C source, or remove \"surplus-bytes\""
        ) { subject in
            let count = subject.cell.surplus.count
            guard count > 0 else { return [] }
            let devices =
                count % 56 == 0
                ? ", as many as \(count / 56 == 1 ? "a PCI device has" : "\(count / 56) PCI devices have")" : ""
            return [
                .init(
                    location: "\(subject.table).surplus-bytes",
                    message: "\(count == 1 ? "1 byte follows" : "\(count) bytes follow") the last list\(devices)")
            ]
        },
        Rule(
            id: "JH0105", severity: .error, title: "a CPU set is at most one page long",
            consequence: "the hypervisor refuses it with EINVAL",
            remedy: "8 bytes do for 64 CPUs"
        ) { subject in
            let count = subject.cell.cpus.bitmap.count
            guard count > 4096 else { return [] }
            return [.init(location: "\(subject.table).cpu-set-bytes", message: "the CPU set has \(count) bytes")]
        },
    ]
}

extension CellDescriptor {
    /// Of each list with values that have no meaning, one of them.
    fileprivate var listsWithNonsense: [String] {
        var lists: [String] = []
        if let region = ioPortRegions.first(where: { $0.count == 0 || Int($0.base) + Int($0.count) > 0x1_0000 }) {
            lists.append("[[ports]] has \(hexadecimal(region.count)) ports from \(hexadecimal(region.base))")
        }
        if let device = pciDevices.first(where: { !(1...3).contains($0.kind.rawValue) }) {
            lists.append("[[pci-device]] has the type \(device.kind.rawValue)")
        }
        if let cache = cacheRegions.first(where: { !(1...3).contains($0.kind.rawValue) }) {
            lists.append("[[cache]] has the type \(cache.kind.rawValue)")
        }
        if let region = memoryRegions.first(where: { $0.flags.rawValue & ~MemoryRegion.Flags.known.rawValue != 0 }) {
            lists.append("[[memory]] has the access bits \(hexadecimal(region.flags.rawValue))")
        }
        return lists
    }
}
