// SPDX-License-Identifier: Apache-2.0

/// A cell's lists with its ivshmem links taken out of them, as its source has them: `[[memory]]`, `[[pci-device]]`
/// and `[[ivshmem]]`.
struct SharedMemoryLinks {
    var regions: [MemoryRegion]
    var devices: [PCIDevice]
    var links: [LinkKeys]

    /// What is no link stays as it is.
    init(takenFrom cell: CellDescriptor) {
        links = []
        var isTaken = [Bool](repeating: false, count: cell.memoryRegions.count)
        var isLink = [Bool](repeating: false, count: cell.pciDevices.count)
        for (index, device) in cell.pciDevices.enumerated() {
            guard let link = SharedMemoryLink(device, in: cell.memoryRegions) else { continue }
            let first = Int(device.firstSharedMemoryRegion)
            let range = first..<first + SharedMemoryLink.regionCount(peers: link.peers)
            guard !isTaken[range].contains(true) else { continue }
            for place in range { isTaken[place] = true }
            isLink[index] = true
            links.append(
                LinkKeys(
                    link: link, firstRegion: device.firstSharedMemoryRegion, deviceIndex: UInt32(clamping: index)))
        }
        regions = zip(cell.memoryRegions, isTaken).filter { !$0.1 }.map(\.0)
        devices = zip(cell.pciDevices, isLink).filter { !$0.1 }.map(\.0)
        leaveOutUsualPlaces()
    }

    /// The last links go to the end, in their order, when nothing is said.
    private mutating func leaveOutUsualPlaces() {
        var end = links.reduce(regions.count) { $0 + $1.regionCount }
        for index in links.indices.reversed() {
            end -= links[index].regionCount
            guard links[index].firstRegion.map(Int.init) == end else { break }
            links[index].firstRegion = nil
        }
        for index in links.indices.reversed() {
            guard links[index].deviceIndex.map(Int.init) == devices.count + index else { break }
            links[index].deviceIndex = nil
        }
    }

    /// The whole lists, and where each element of them is in the source.
    func expanded() throws(ConfigurationError) -> Expansion {
        var firstRegions = links.map { _ in UInt32(0) }
        let memory = try SharedMemoryLinks.merge(
            regions, "memory", with: links, at: \.firstRegion, "first-memory-region"
        ) { index, keys, place throws(ConfigurationError) in
            firstRegions[index] = UInt32(clamping: place)
            guard let regions = keys.link.regions else {
                throw keys.error("physical", .outOfRange, "the link's memory extends beyond 2^64")
            }
            return regions
        }
        let pci = try SharedMemoryLinks.merge(
            devices, "pci-device", with: links, at: \.deviceIndex, "device-index"
        ) { index, keys, _ throws(ConfigurationError) in [keys.link.device(firstRegion: firstRegions[index])] }
        return Expansion(memory: memory, pci: pci)
    }

    struct Origin<Value> {
        var value: Value
        /// Such as `memory[1]`, `ivshmem[0]`.
        var key: String
    }

    struct Expansion {
        var memory: [Origin<MemoryRegion>]
        var pci: [Origin<PCIDevice>]
    }

    /// The elements of a list with those of the links among them: at the places that links ask for, else at the end.
    private static func merge<Value>(
        _ own: [Value], _ list: String, with links: [LinkKeys], at place: (LinkKeys) -> UInt32?, _ key: String,
        elements: (Int, LinkKeys, Int) throws(ConfigurationError) -> [Value]
    ) throws(ConfigurationError) -> [Origin<Value>] {
        var rest = own.enumerated().map { Origin(value: $0.element, key: "\(list)[\($0.offset)]") }[...]
        var whole: [Origin<Value>] = []
        let inOrder = links.enumerated().map {
            (index: $0.offset, keys: $0.element, place: place($0.element).map(Int.init))
        }
        .sorted { ($0.place ?? .max, $0.index) < ($1.place ?? .max, $1.index) }
        for (index, keys, place) in inOrder {
            let missing = (place ?? whole.count + rest.count) - whole.count
            guard missing >= 0 else { throw keys.error(key, .conflict, "another link has this place") }
            guard missing <= rest.count else {
                throw keys.error(
                    key, .outOfRange, "only \(whole.count + rest.count) elements of the list come before this one")
            }
            whole += rest.prefix(missing)
            rest = rest.dropFirst(missing)
            whole += try elements(index, keys, whole.count).map { Origin(value: $0, key: "ivshmem[\(index)]") }
        }
        return whole + rest
    }
}

/// A table `[[ivshmem]]`.
struct LinkKeys: SourceRecord, Blank {
    var link = SharedMemoryLink()
    /// Where its regions begin in the list of all regions, and its device in that of all devices; nil: at the end.
    var firstRegion: UInt32?
    var deviceIndex: UInt32?
    /// Its table, for errors.
    var table: SourceTable?

    static var blank: LinkKeys { LinkKeys() }

    var regionCount: Int { SharedMemoryLink.regionCount(peers: link.peers) }

    func error(_ key: String, _ code: ConfigurationError.Code, _ message: String) -> ConfigurationError {
        guard let table else { return ConfigurationError(code, message) }
        return (table.value(key) ?? table.asValue).error(code, message)
    }

    mutating func code(_ coder: inout SourceCoder) throws(ConfigurationError) {
        table = coder.table
        try coder.string("name", &link.name)
        try coder.pciAddress("bdf", &link.address, default: nil)
        try coder.hexadecimal("domain", &link.domain)
        try coder.decimal("iommu", &link.iommu)
        try coder.decimal("peer-id", &link.peerID, default: nil)
        try coder.decimal("peers", &link.peers, default: 2)
        try coder.word("protocol", &link.linkProtocol, Words.linkProtocols, default: 0)
        if let name = SharedMemoryLink.virtioName(of: link.linkProtocol) { coder.comment(on: "protocol", name) }
        try coder.decimal("msix-vectors", &link.msixVectors)
        try coder.list(
            "bar-masks", &link.barMasks, default: SharedMemoryLink.usualBARMasks(msixVectors: link.msixVectors),
            count: PCIDevice.barCount)
        try coder.hexadecimal("physical", &link.physicalStart, default: nil)
        try coder.hexadecimal("virtual", &link.virtualStart, default: link.physicalStart)
        try coder.size("state-table-size", &link.stateTableSize, default: SharedMemoryLink.standardStateTableSize)
        try coder.size("common-size", &link.commonSize)
        try coder.size("output-size", &link.outputSize, default: nil)
        try coder.boolean("root-shared", &link.isRootShared, default: true)
        try coder.optionalNumber("first-memory-region", &firstRegion)
        try coder.optionalNumber("device-index", &deviceIndex)
        if coder.isReading && link.peerID >= link.peers {
            throw error(
                "peer-id", .outOfRange,
                "peer \(link.peerID) is none of the \(link.peers) peers, whose numbers begin at 0")
        }
    }
}
