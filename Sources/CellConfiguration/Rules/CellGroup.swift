/// Several cells of one machine, as they stand in their files: rules about cells with each other.
public struct CellGroup: Sendable {
    public struct Member: Hashable, Sendable {
        /// The file, which findings name.
        public var path: String
        public var cell: CellDescriptor

        public init(path: String, cell: CellDescriptor) {
            self.path = path
            self.cell = cell
        }
    }

    public var members: [Member]

    public init(_ members: [Member]) {
        self.members = members
    }

    /// What the rules say of the cells with each other, each finding at the later of two files.
    ///
    /// Cells that have a CPU in common can only exist one after the other: that is worth a note, and what else
    /// they share does no harm.
    public func findings() -> [Finding] {
        sharedNames + sharedProcessors + sharedMemory
    }

    private var sharedNames: [Finding] {
        var firsts: [String: Member] = [:]
        return members.compactMap { member in
            guard let first = firsts[member.cell.name] else {
                firsts[member.cell.name] = member
                return nil
            }
            return Finding(
                rule: "JH0601", severity: .error, path: member.path, location: "cell.name",
                message: "\(first.path) defines a cell \"\(member.cell.name)\", too",
                consequence: "only one of the two can be meant, so neither is created",
                remedy: "rename one of them, or remove its file"
            )
        }
    }

    private var sharedProcessors: [Finding] {
        var owners: [Int: Member] = [:]
        var findings: [Finding] = []
        for member in members {
            var shared: [String: [Int]] = [:]
            for cpu in member.cell.cpus.members {
                if let owner = owners[cpu] { shared[owner.path, default: []].append(cpu) } else { owners[cpu] = member }
            }
            findings += shared.sorted { $0.key < $1.key }.map { path, cpus in
                Finding(
                    rule: "JH0602", severity: .note, path: member.path, location: "cell.cpus",
                    message: "\(path) has CPU \(NumberList.text(of: cpus)), too",
                    consequence: "one of the two cells can exist at a time: creating the second fails with EBUSY",
                    remedy: "give them CPUs of their own if both are to run"
                )
            }
        }
        return findings
    }

    private var sharedMemory: [Finding] {
        let regions = members.indices.flatMap { index in
            members[index].cell.memoryRegions.indices.compactMap { region in
                members[index].cell.memoryRegions[region].physicalRange.map {
                    (member: index, region: region, range: $0)
                }
            }
        }.sorted { ($0.range.first, $0.member) < ($1.range.first, $1.member) }
        var active: [(member: Int, region: Int, range: AddressRange)] = []
        var findings: [Finding] = []
        for current in regions {
            active.removeAll { $0.range.last < current.range.first }
            for other in active where other.member != current.member {
                let (earlier, later) = other.member < current.member ? (other, current) : (current, other)
                if let finding = overlap(of: (later.member, later.region), (earlier.member, earlier.region)) {
                    findings.append(finding)
                }
            }
            active.append(current)
        }
        return findings
    }

    private func overlap(
        of later: (member: Int, region: Int), _ earlier: (member: Int, region: Int)
    ) -> Finding? {
        let (first, second) = (members[earlier.member], members[later.member])
        let (firstRegion, secondRegion) = (
            first.cell.memoryRegions[earlier.region], second.cell.memoryRegions[later.region]
        )
        let isShared = firstRegion.flags.contains(.rootShared) && secondRegion.flags.contains(.rootShared)
        guard !isShared, Set(first.cell.cpus.members).isDisjoint(with: second.cell.cpus.members) else { return nil }
        return Finding(
            rule: "JH0603", severity: .error, path: second.path, location: "memory[\(later.region)]",
            message: "the region \(secondRegion.quotedName) (physical \(secondRegion.physicalText)) lies over "
                + "\(firstRegion.quotedName) (\(firstRegion.physicalText)) of \(first.path)",
            consequence: "the hypervisor does not check it: each of the two programs overwrites the other's memory",
            remedy: "give one of them other memory; memory that they share on purpose is \"root-shared\" in both"
        )
    }
}
