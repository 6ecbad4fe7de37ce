// SPDX-License-Identifier: Apache-2.0

/// What a multiboot loader hands to a program (Multiboot Specification 0.6.96, section 3.3): the memory, the command
/// line, the loader's name.
struct MultibootInformation {
    /// In EAX at the program's entry.
    static let magic: UInt32 = 0x2bad_b002

    var memory: [CellRegion]
    var commandLine: String?
    static let loaderName = "jailhoused"

    /// - Parameter address: its address in the cell; below 4 GiB.
    func bytes(at address: UInt64) -> [UInt8] {
        let map = memory.sorted { $0.start < $1.start }
        let mapAddress = address + UInt64(MultibootInformation.headSize)
        let mapSize = map.count * MultibootInformation.entrySize
        let commandLine: [UInt8] = commandLine.map { Array($0.utf8) + [0] } ?? []
        let commandLineAddress = mapAddress + UInt64(mapSize)
        let loaderName = Array(MultibootInformation.loaderName.utf8) + [0]

        var bytes = [UInt8](repeating: 0, count: MultibootInformation.headSize + mapSize)
        // memory, memory map, loader's name
        bytes.store(0x241 | (commandLine.isEmpty ? 0 : 0x4), at: 0, 4)
        bytes.store(kibibytes(from: 0, most: 640), at: 4, 4)
        bytes.store(kibibytes(from: 0x10_0000, most: UInt64(UInt32.max)), at: 8, 4)
        if !commandLine.isEmpty { bytes.store(commandLineAddress, at: 16, 4) }
        bytes.store(UInt64(mapSize), at: 44, 4)
        bytes.store(mapAddress, at: 48, 4)
        bytes.store(commandLineAddress + UInt64(commandLine.count), at: 64, 4)
        for (index, region) in map.enumerated() {
            let offset = MultibootInformation.headSize + index * MultibootInformation.entrySize
            // the size of what follows it
            bytes.store(UInt64(MultibootInformation.entrySize - 4), at: offset, 4)
            bytes.store(region.start, at: offset + 4, 8)
            bytes.store(region.size, at: offset + 12, 8)
            bytes.store(1, at: offset + 20, 4)
        }
        return bytes + commandLine + loaderName
    }

    private static let headSize = 88
    private static let entrySize = 24

    /// How much memory there is in one piece.
    private func kibibytes(from start: UInt64, most: UInt64) -> UInt64 {
        var end = start
        for region in memory.sorted(by: { $0.start < $1.start }) where region.contains(end) {
            let (next, overflow) = region.start.addingReportingOverflow(region.size)
            end = overflow ? .max : next
        }
        return min(most, (end - start) / 1024)
    }
}
