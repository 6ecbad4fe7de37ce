/// A cell's lists with its ivshmem links taken out of them, as its source has them: `[[memory]]`, `[[pci-device]]`
/// and `[[ivshmem]]`.
struct SharedMemoryLinks {
    var regions: [MemoryRegion]
    var devices: [PCIDevice]
    var links: [LinkKeys]

    /// What is no link stays as it is.
    init(takenFrom cell: CellDescriptor) {
        regions = cell.memoryRegions
        devices = cell.pciDevices
        links = []
        var ranges: [Range<Int>] = []
        for (index, device) in cell.pciDevices.enumerated() {
            guard let link = SharedMemoryLink(device, in: cell.memoryRegions) else { continue }
            let first = Int(device.firstSharedMemoryRegion)
            let range = first..<first + SharedMemoryLink.regionCount(peers: link.peers)
            guard ranges.allSatisfy({ !$0.overlaps(range) }) else { continue }
            ranges.append(range)
            links.append(
                LinkKeys(
                    link: link, firstRegion: device.firstSharedMemoryRegion, deviceIndex: UInt32(clamping: index)))
        }
        for range in ranges.sorted(by: { $0.lowerBound > $1.lowerBound }) { regions.removeSubrange(range) }
        for link in links.reversed() { link.deviceIndex.map { _ = devices.remove(at: Int($0)) } }
        leaveOutUsualPlaces()
    }

    init(regions: [MemoryRegion], devices: [PCIDevice], links: [LinkKeys]) {
        self.regions = regions
        self.devices = devices
        self.links = links
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

    /// The whole lists, and where each element of them stands in the source.
    func expanded() throws(ConfigurationError) -> Expansion {
        var memory = regions.enumerated().map { Origin(value: $0.element, key: "memory[\($0.offset)]") }
        var firstRegions: [Int: Int] = [:]
        for (index, keys) in SharedMemoryLinks.inOrder(links, by: \.firstRegion) {
            let place = keys.firstRegion.map { Int($0) } ?? memory.count
            guard place <= memory.count else {
                throw keys.error(
                    "first-memory-region", .outOfRange, "\(place) is beyond the \(memory.count) regions before it")
            }
            guard let own = keys.link.regions else {
                throw keys.error("physical", .outOfRange, "the link's memory goes beyond 2^64")
            }
            memory.insert(contentsOf: own.map { Origin(value: $0, key: "ivshmem[\(index)]") }, at: place)
            firstRegions[index] = place
        }
        var pci = devices.enumerated().map { Origin(value: $0.element, key: "pci-device[\($0.offset)]") }
        for (index, keys) in SharedMemoryLinks.inOrder(links, by: \.deviceIndex) {
            let place = keys.deviceIndex.map { Int($0) } ?? pci.count
            guard place <= pci.count else {
                throw keys.error("device-index", .outOfRange, "\(place) is beyond the \(pci.count) devices before it")
            }
            let device = keys.link.device(firstRegion: UInt32(clamping: firstRegions[index] ?? 0))
            pci.insert(Origin(value: device, key: "ivshmem[\(index)]"), at: place)
        }
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

    /// Those with a place by their places, so that none moves another; the others after them.
    private static func inOrder(
        _ links: [LinkKeys], by place: (LinkKeys) -> UInt32?
    ) -> [(offset: Int, element: LinkKeys)] {
        links.enumerated().map { ($0.offset, $0.element) }
            .sorted { (place($0.1).map(Int.init) ?? .max, $0.0) < (place($1.1).map(Int.init) ?? .max, $1.0) }
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
