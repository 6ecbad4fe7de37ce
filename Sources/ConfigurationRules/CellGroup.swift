// SPDX-License-Identifier: Apache-2.0

package import CellConfiguration

/// Several cells of one machine, as configured in their files: rules that compare cells.
package struct CellGroup: Sendable {
    package struct Member: Hashable, Sendable {
        /// The file, which findings name.
        package var path: String
        package var cell: CellDescriptor

        package init(path: String, cell: CellDescriptor) {
            self.path = path
            self.cell = cell
        }
    }

    package var members: [Member]
    /// Of the machine, when it is known: they decide how stream ids are compared.
    package var iommuKinds: Set<IOMMUUnit.Kind>
    /// Of the machine, when it is known.
    let pool: PagePool?
    /// Of the ends of links that Linux has.
    let rootLinks: Set<PCIAddress>
    /// Of Linux, where it may lose any of them: on Arm. Empty when they are not known.
    let rootCPUs: [Int]

    package init(_ members: [Member], in system: SystemDescriptor? = nil) {
        self.members = members
        iommuKinds = Set(system?.platform.iommuUnits.map(\.kind) ?? [])
        pool = system.map(PagePool.init)
        let devices = system?.rootCell.pciDevices.filter { $0.kind == .sharedMemory } ?? []
        rootLinks = Set(devices.map(\.address))
        rootCPUs = system.map { $0.architecture == .x86 ? [] : $0.rootCell.cpus.members } ?? []
    }

    /// What the rules say of the cells with each other, each finding at the later of two files.
    ///
    /// Cells that have a CPU in common can only exist one after the other: that is worth a note, and what else
    /// they share does no harm.
    package func findings() -> [Finding] {
        let neighbours = Neighbours(self)
        return GroupRules.all.flatMap { $0.findings(in: neighbours) }
    }
}

/// A group of cells, prepared for questions about what two of them have in common.
struct Neighbours: Sendable {
    let members: [CellGroup.Member]
    let iommuKinds: Set<IOMMUUnit.Kind>
    let pool: PagePool?
    let rootLinks: Set<PCIAddress>
    let rootCPUs: [Int]
    private let cpus: [[UInt8]]

    /// More than anybody reads; it keeps a thousand copies of one cell from a million findings.
    static let limit = 1000

    init(_ group: CellGroup) {
        members = group.members
        iommuKinds = group.iommuKinds
        pool = group.pool
        rootLinks = group.rootLinks
        rootCPUs = group.rootCPUs
        cpus = members.map { $0.cell.cpus.bitmap }
    }

    /// Whether both can exist at a time: no CPU is in both.
    func canMeet(_ one: Int, _ other: Int) -> Bool {
        zip(cpus[one], cpus[other]).allSatisfy { $0 & $1 == 0 }
    }

    /// One of a member's possessions.
    struct Holding<Value> {
        var member: Int
        /// Its place in the member's list.
        var index: Int
        var value: Value
    }

    /// Everything that the members have of one kind.
    func holdings<Value>(_ list: (CellDescriptor) -> [Value]) -> [Holding<Value>] {
        members.indices.flatMap { member in
            list(members[member].cell).enumerated().map { Holding(member: member, index: $0.offset, value: $0.element) }
        }
    }

    /// Pairs of things that two cells, which can exist at a time, have under the same key.
    func pairs<Value, Key: Hashable>(
        of holdings: [Holding<Value>], by key: (Value) -> Key
    ) -> [(earlier: Holding<Value>, later: Holding<Value>)] {
        var holders: [Key: [Holding<Value>]] = [:]
        var pairs: [(earlier: Holding<Value>, later: Holding<Value>)] = []
        for holding in holdings where pairs.count < Self.limit {
            let key = key(holding.value)
            let rival = holders[key]?.first { $0.member != holding.member && canMeet($0.member, holding.member) }
            if let rival { pairs.append((rival, holding)) }
            holders[key, default: []].append(holding)
        }
        return pairs
    }

    /// Pairs of ranges that overlap and belong to two cells that can exist at a time. A sweep over the addresses.
    ///
    /// - Parameters:
    ///   - isShared: of two ranges that are both shared nothing is said.
    ///   - isMeant: whether a pair counts.
    func overlaps<Value>(
        of holdings: [Holding<Value>], range: (Value) -> AddressRange?, isShared: (Value) -> Bool = { _ in false },
        where isMeant: (Value, Value) -> Bool = { _, _ in true }
    ) -> [(earlier: Holding<Value>, later: Holding<Value>)] {
        typealias Piece = (holding: Holding<Value>, range: AddressRange)
        let pieces: [Piece] = holdings.compactMap { holding in range(holding.value).map { (holding, $0) } }
            .sorted { ($0.range.first, $0.holding.member) < ($1.range.first, $1.holding.member) }
        var open: [Piece] = []
        var openShared: [Piece] = []
        var pairs: [(earlier: Holding<Value>, later: Holding<Value>)] = []
        for piece in pieces {
            open.removeAll { $0.range.last < piece.range.first }
            openShared.removeAll { $0.range.last < piece.range.first }
            let shares = isShared(piece.holding.value)
            for rivals in shares ? [open] : [open, openShared] {
                for rival in rivals.lazy.map(\.holding)
                where rival.member != piece.holding.member && isMeant(rival.value, piece.holding.value)
                    && canMeet(rival.member, piece.holding.member)
                {
                    guard pairs.count < Self.limit else { return pairs }
                    pairs.append(rival.member < piece.holding.member ? (rival, piece.holding) : (piece.holding, rival))
                }
            }
            if shares { openShared.append(piece) } else { open.append(piece) }
        }
        return pairs
    }

    func violation(
        at later: Holding<some Any>, besides earlier: Holding<some Any>, _ location: String, _ message: String
    ) -> Rule<Neighbours>.Violation {
        .init(
            location: location, message: message, path: members[later.member].path, other: members[earlier.member].path)
    }
}
