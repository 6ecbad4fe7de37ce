// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import CellConfiguration
@testable import ConfigurationRules

@Suite struct MemoryMapTests {
    private static func cell(_ regions: [MemoryRegion], named name: String = "a", reset: UInt64 = 0) -> MemoryMap.Cell {
        MemoryMap.Cell(
            file: name + ".toml",
            descriptor: CellDescriptor(
                name: name, cpus: CPUSet([1]), memoryRegions: regions, cpuResetAddress: reset))
    }

    private static func ram(_ physical: UInt64, _ virtual: UInt64 = 0, _ size: UInt64 = 0x1000) -> MemoryRegion {
        MemoryRegion(
            name: "ram", physicalStart: physical, virtualStart: virtual, size: size,
            flags: [.read, .write, .execute, .loadable])
    }

    @Test func slicesBeginAndEndWithBlocks() {
        let map = MemoryMap(
            system: nil, cells: [Self.cell([Self.ram(0x1000), Self.ram(0x4000, 0x2000, 0x2000)])])
        let slices = map.physical.slices
        #expect(slices.map(\.first) == [0x1000, 0x2000, 0x4000])
        #expect(slices.map(\.last) == [0x1fff, 0x3fff, 0x5fff])
        #expect(slices.map(\.isEmpty) == [false, true, false])
        #expect(map.physical.slices(of: map.physical.blocks[1]) == 2..<3)
        #expect(map.cells[0].slices.map(\.first) == [0, 0x1000, 0x2000])
    }

    @Test func theLastAddressThereIs() {
        let map = MemoryMap(system: nil, cells: [Self.cell([Self.ram(0xffff_ffff_ffff_f000)])])
        #expect(
            map.physical.slices == [
                .init(first: 0xffff_ffff_ffff_f000, last: .max, isEmpty: false, concernsCells: true)
            ])
        let whole = MapBlock(.linux, "all", start: 0, size: .max)
        #expect(whole?.sizeText == "15.9 EiB")
        #expect(MapText.size(first: 0, last: .max) == "16 EiB")
        #expect(MapText.size(first: 0, last: 0x17ffff) == "1536 KiB")
        #expect(MapText.size(first: 0x10, last: 0x12_670b) == "1.1 MiB")
        #expect(MapText.size(first: 3, last: 5) == "3 B")
    }

    @Test func nothingAtAll() {
        let map = MemoryMap(system: nil, cells: [Self.cell([MemoryRegion()])])
        #expect(map.physical.slices.isEmpty)
        #expect(map.physical.groups.isEmpty)
        #expect(map.cells[0].marks.isEmpty)
        #expect(MapScale(slices: [], minimum: [], maximum: 4, shortened: 2).heights.isEmpty)
    }

    @Test func whatOverlapsStandsSideBySide() {
        let map = MemoryMap(
            system: nil,
            cells: [
                Self.cell([Self.ram(0, 0, 0x4000)], named: "a"), Self.cell([Self.ram(0x2000, 0, 0x4000)], named: "b"),
                Self.cell([Self.ram(0x6000)], named: "c"),
            ])
        #expect(map.physical.blocks.map(\.name) == ["a: ram", "b: ram", "c: ram"])
        #expect(map.physical.blocks.map(\.lane) == [0, 1, 0])
        #expect(map.physical.overlaps.map { [$0.0, $0.1] } == [[0, 1]])
    }

    @Test func theMachine() throws {
        var system = SystemDescriptor(
            hypervisorMemory: MemoryRegion(physicalStart: 0x8000, size: 0x1000),
            platform: Platform(mmconfigBase: 0xb000_0000, mmconfigEndBus: 0xff),
            rootCell: CellDescriptor(name: "q35", memoryRegions: [Self.ram(0, 0, 0x8000)]))
        system.rootCell.interruptChips = [InterruptChip(address: 0xfec0_0000)]
        let map = MemoryMap(system: (file: "q35.toml", descriptor: system), cells: [Self.cell([Self.ram(0x4000)])])
        #expect(map.physical.groups.map(\.title) == ["Linux", "hypervisor and cells"])
        #expect(
            map.physical.blocks.map(\.name)
                == ["ram", "a: ram", "hypervisor", "PCI configuration", "IOAPIC", "local APIC"])
        #expect(map.physical.blocks.map(\.lane) == [0, 1, 1, 1, 1, 1])
    }

    @Test func imagesAndWhereItBegins() {
        var cell = Self.cell([Self.ram(0x10_0000, 0, 0x10000)], reset: 0x2000)
        cell.images = [
            .init(file: "/x/a.exe", parts: [.init(name: "segment 1", start: 0x3000, size: 0x10)], entry: 0x3004),
            .init(file: "stub.bin", parts: [.init(name: "", start: 0x2000, size: 0x10)]),
        ]
        let space = MemoryMap(system: nil, cells: [cell]).cells[0]
        #expect(space.groups.map(\.title) == ["memory", "loaded into it"])
        #expect(space.blocks.map(\.name) == ["ram", "stub.bin", "segment 1 of a.exe"])
        #expect(space.marks.map(\.address) == [0x2000, 0x3004])
        #expect(space.marks.map(\.text) == ["start", "entry"])
    }

    @Test func theCommunicationRegionIsNowhereInTheMachine() {
        let region = MemoryRegion(virtualStart: 0x90_0000, size: 0x1000, flags: [.read, .write, .communicationRegion])
        let map = MemoryMap(system: nil, cells: [Self.cell([region])])
        #expect(map.physical.blocks.isEmpty)
        #expect(map.cells[0].blocks.map(\.kind) == [.communicationRegion])
        #expect(map.cells[0].blocks[0].physicalStart == nil)
    }

    @Test func remarksFindTheirBlocks() {
        func remark(_ file: String, _ location: String) -> MapRemark {
            MapRemark(severity: .error, rule: "JH0201", file: file, location: location, message: "it is wrong")
        }
        var cell = Self.cell([Self.ram(0), Self.ram(0x10000, 0x1_0000)])
        cell.images = [.init(file: "a.exe", parts: [.init(name: "", start: 0, size: 4)])]
        let map = MemoryMap(
            system: nil, cells: [cell],
            remarks: [
                remark("a.toml", "memory[1]"), remark("a.toml", "cell.name"), remark("a.exe", ""),
                remark("a.toml", "memory[0].size"), remark("b.toml", "memory[0]"),
                remark("a.toml", "cell.reset-address"),
            ])
        // one fault at several places is marked at each
        var several = remark("a.toml", "memory[0]")
        several.others = ["memory[1]"]
        let both = MemoryMap(
            system: nil, cells: [Self.cell([Self.ram(0), Self.ram(0x10000, 0x1_0000)])], remarks: [several])
        #expect(both.physical.blocks.map { $0.remarks } == [[1], [1]])
        #expect(map.remarks.count == 4)
        #expect(map.cells[0].marks.map { $0.remarks } == [[4]])
        #expect(map.otherRemarks.map(\.location) == ["cell.name", "memory[0]"])
        #expect(map.physical.blocks.map { $0.remarks } == [[3], [1]])
        #expect(map.cells[0].blocks.map { $0.remarks } == [[3], [2], [1]])
    }

    @Test func heightsAreToScaleWhereTheyCanBe() {
        let sizes: [UInt64] = [8 << 20, 16 << 20, 64 << 20, 64 << 30]
        let slices = sizes.map { AddressSpaceMap.Slice(first: 0, last: $0 - 1, isEmpty: false) }
        let scale = MapScale(slices: slices, minimum: [1, 1, 1, 1], maximum: 8, shortened: 3)
        #expect(scale.bytesPerUnit == 0x80_0000)
        #expect(scale.heights.map(\.value) == [1, 2, 8, 3])
        #expect(scale.heights.map(\.fit) == [.toScale, .toScale, .toScale, .shortened])
        let hole = AddressSpaceMap.Slice(first: 0, last: 1 << 40, isEmpty: true)
        let small = AddressSpaceMap.Slice(first: 0, last: 0, isEmpty: false)
        let broken = MapScale(slices: slices + [hole, small], minimum: [1, 1, 1, 1, 2, 1], maximum: 8, shortened: 3)
        #expect(broken.heights[4] == .init(value: 2, fit: .shortened))
        #expect(broken.heights[5] == .init(value: 1, fit: .enlarged))
    }

    @Test func whatConcernsCellsCountsMost() {
        var slices = [UInt64(8 << 20), 1 << 30, 2 << 30].map {
            AddressSpaceMap.Slice(first: 0, last: $0 - 1, isEmpty: false)
        }
        func toScale() -> [Bool] {
            MapScale(slices: slices, minimum: [1, 1, 1], maximum: 8, shortened: 3).heights.map { $0.fit == .toScale }
        }
        #expect(toScale() == [false, true, true])
        slices[0].concernsCells = true
        #expect(toScale() == [true, false, false])
    }

    @Test func addressesWithinASlice() {
        let slice = AddressSpaceMap.Slice(first: 0x1000, last: 0x1fff, isEmpty: false)
        let scale = MapScale(slices: [slice], minimum: [1], maximum: 4, shortened: 4)
        #expect(scale.heights[0].value == 1 || scale.heights[0].value == 4)
        let offsets = [0x1000, 0x1fff].map { scale.offset(of: $0, in: slice, at: 0) }
        #expect(offsets == [0, scale.heights[0].value - 1])
    }

    @Test func aThousandCells() {
        let cells = (0..<1000).map { number in
            Self.cell([Self.ram(UInt64(number) << 20, 0, 1 << 20)], named: "c\(number)")
        }
        let map = MemoryMap(system: nil, cells: cells)
        #expect(map.physical.slices.count == 1000)
        #expect(map.physical.laneCount == 1)
    }

    @Test func anyConfigurationHasAPlan() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            let architecture = Architecture(rawValue: UInt8(generator.next() % 3)) ?? .x86
            let system = generator.system(architecture)
            let cell = generator.cell(architecture)
            let map = MemoryMap(
                system: (file: "system", descriptor: system), cells: [.init(file: "cell", descriptor: cell)])
            for space in [map.physical] + map.cells {
                for (one, next) in zip(space.slices, space.slices.dropFirst()) { #expect(one.last + 1 == next.first) }
                for block in space.blocks {
                    let slices = space.slices[space.slices(of: block)]
                    #expect(slices.first?.first == block.first && slices.last?.last == block.last)
                    #expect(!slices.contains { $0.isEmpty } && block.lane < space.laneCount)
                }
                let scale = MapScale(
                    slices: space.slices, minimum: space.slices.map { _ in 2 }, maximum: 6, shortened: 3)
                #expect(scale.heights.allSatisfy { (2...6).contains($0.value) })
            }
        }
    }
}
