/// Rules about what a cell is called and which processors it has.
enum CellRules {
    /// A cell and the table that it stands in: `cell` or `root-cell`.
    struct Subject {
        var cell: CellDescriptor
        var table: String
    }

    static let all: [Rule<Subject>] = [
        Rule(
            id: "JH0101", severity: .error, title: "a cell has a name",
            consequence: "the hypervisor accepts it, but nobody can name the cell to start or stop it",
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
            return [.init(location: "cell.cpus", message: "CPU 0 is in the set (\(cell.cpus.list))")]
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
