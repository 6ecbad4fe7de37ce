// SPDX-License-Identifier: Apache-2.0

import CellConfiguration

/// One address space as a map draws it: boxes in columns, on an axis cut into slices at every edge of a box.
///
/// The lowest address is at the top. How high a slice is drawn is up to ``MapScale``.
package struct AddressSpaceMap: Hashable, Sendable {
    /// From one edge to the next: no box begins or ends within it.
    package struct Slice: Hashable, Sendable {
        package var first: UInt64
        /// Inclusive.
        package var last: UInt64
        /// Whether no box is there.
        package var isEmpty: Bool
        /// Whether something of a cell or of the hypervisor is there.
        package var concernsCells = false

        /// `64 MiB`
        package var sizeText: String { MapText.size(first: first, last: last) }
    }

    /// Columns that belong together, under one title.
    package struct Group: Hashable, Sendable {
        package var title: String
        package var lanes: Range<Int>
    }

    /// An address with a meaning: where the processor begins.
    package struct Mark: Hashable, Sendable {
        package var address: UInt64
        package var text: String
        /// The numbers of the remarks about it, ascending.
        package internal(set) var remarks: [Int] = []
        /// The keys that remarks may name.
        var anchors: [MapAnchor] = []
    }

    package var title: String
    /// Whose addresses they are; nil for the machine's.
    package var cell: String?
    package var groups: [Group]
    /// In ascending order of their first addresses.
    package internal(set) var blocks: [MapBlock]
    /// Without a hole between them.
    package var slices: [Slice]
    /// In ascending order, each within a slice.
    package internal(set) var marks: [Mark]

    package var laneCount: Int { groups.last?.lanes.upperBound ?? 0 }

    /// - Parameter groups: each with its title and its blocks; a group without blocks is left out.
    init(title: String, cell: String?, groups: [(title: String, blocks: [MapBlock])], marks: [Mark] = []) {
        self.title = title
        self.cell = cell
        self.groups = []
        var placed: [MapBlock] = []
        for group in groups where !group.blocks.isEmpty {
            let start = self.groups.last?.lanes.upperBound ?? 0
            let (blocks, count) = Self.inLanes(group.blocks, from: start)
            placed += blocks
            self.groups.append(Group(title: group.title, lanes: start..<start + count))
        }
        blocks = placed.sorted { ($0.first, $0.lane) < ($1.first, $1.lane) }
        let range = (blocks.first?.first ?? 0)...(blocks.map(\.last).max() ?? 0)
        self.marks =
            blocks.isEmpty ? [] : marks.filter { range.contains($0.address) }.sorted { $0.address < $1.address }
        slices = Self.slices(of: blocks)
        for block in blocks where block.owner != .linux && block.owner != .platform {
            for index in slices(of: block) { slices[index].concernsCells = true }
        }
    }

    /// The indexes of the slices that a block covers.
    package func slices(of block: MapBlock) -> Range<Int> {
        index(of: block.first)..<index(of: block.last) + 1
    }

    /// The index of the slice that holds an address; of the last one for addresses behind it.
    package func index(of address: UInt64) -> Int {
        var (low, high) = (0, slices.count)
        while low < high {
            let middle = (low + high) / 2
            if slices[middle].last < address { low = middle + 1 } else { high = middle }
        }
        return min(low, slices.count - 1)
    }

    /// Whose boxes lie over each other in one group although they are of different owners, or of one cell:
    /// pairs of indexes of blocks.
    package var overlaps: [(Int, Int)] {
        var active: [Int] = []
        var pairs: [(Int, Int)] = []
        for index in blocks.indices {
            active.removeAll { blocks[$0].last < blocks[index].first }
            pairs += active.filter { group(of: blocks[$0]) == group(of: blocks[index]) }.map { ($0, index) }
            active.append(index)
        }
        return pairs
    }

    private func group(of block: MapBlock) -> Int? {
        groups.firstIndex { $0.lanes.contains(block.lane) }
    }
}

extension AddressSpaceMap {
    /// Each block in the first lane that is free there, and how many lanes that takes.
    private static func inLanes(_ blocks: [MapBlock], from start: Int) -> ([MapBlock], count: Int) {
        var ends: [UInt64] = []
        let placed = blocks.sorted { ($0.first, $1.last) < ($1.first, $0.last) }.map { block in
            var block = block
            if let lane = ends.firstIndex(where: { $0 < block.first }) {
                ends[lane] = block.last
                block.lane = start + lane
            } else {
                block.lane = start + ends.count
                ends.append(block.last)
            }
            return block
        }
        return (placed, ends.count)
    }

    private static func slices(of blocks: [MapBlock]) -> [Slice] {
        var edges: Set<UInt64> = []
        for block in blocks {
            edges.insert(block.first)
            if block.last < .max { edges.insert(block.last + 1) }
        }
        guard let end = blocks.map(\.last).max() else { return [] }
        let firsts = edges.filter { $0 <= end }.sorted()
        var furthest: UInt64?
        var next = blocks.startIndex
        return firsts.indices.map { index in
            let last = index + 1 < firsts.count ? firsts[index + 1] - 1 : end
            while next < blocks.endIndex, blocks[next].first <= firsts[index] {
                furthest = max(furthest ?? 0, blocks[next].last)
                next += 1
            }
            return Slice(first: firsts[index], last: last, isEmpty: furthest.map { $0 < last } ?? true)
        }
    }
}
