// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import InmateImage

@Suite struct LoadPlanTests {
    static let ram = CellRegion(name: "ram", start: 0, size: 0x80_0000)
    static let more = CellRegion(name: "more", start: 0x80_0000, size: 0x10_0000)
    static let communicationRegion = CellRegion(name: "communication region", start: 0x90_0000, size: 0x1000)

    private func plan(
        _ image: [UInt8], at address: UInt64? = nil, _ target: LoadPlan.Target = .x86,
        regions: [CellRegion] = [ram, more]
    ) throws(ImageError) -> LoadPlan {
        try LoadPlan(
            image: image, path: "x.exe", address: address, target: target, regions: regions,
            keepFree: [Self.communicationRegion]
        )
    }

    private func failure(
        _ image: [UInt8], at address: UInt64? = nil, _ target: LoadPlan.Target = .x86,
        regions: [CellRegion] = [ram, more]
    ) -> ImageError? {
        #expect(throws: ImageError.self) { try plan(image, at: address, target, regions: regions) }
    }

    @Test(arguments: [false, true]) func segmentsGoToTheirPhysicalAddressesWithZerosAfterThem(is64: Bool) throws {
        // two segments in one page, as stock RTEMS has them
        let image = ELFBuilder(
            is64: is64, machine: is64 ? 62 : 3,
            segments: [
                .init(address: 0x10_0000, contents: [1, 2, 3]),
                .init(address: 0x10_0003, contents: [4], memorySize: 6),
            ]
        ).bytes
        let plan = try plan(image)
        #expect(
            plan.pieces == [
                LoadPiece(address: 0x10_0000, contents: [1, 2, 3]),
                LoadPiece(address: 0x10_0003, contents: [4, 0, 0, 0, 0, 0]),
            ]
        )
        #expect(plan.entry == 0x10000c)
        #expect(plan.format == (is64 ? .elf64 : .elf32))
    }

    @Test func segmentsOfNothingAndOtherHeadersAreIgnored() throws {
        let image = ELFBuilder(
            segments: [
                .init(address: 0xffff_0000), .init(type: 4, address: 0xffff_0000, contents: [9]),
                .init(address: 0, contents: [1]),
            ]
        ).bytes
        #expect(try plan(image).pieces == [LoadPiece(address: 0, contents: [1])])
    }

    @Test func aSegmentOfZerosAloneIsLoadedToo() throws {
        let image = ELFBuilder(segments: [.init(address: 0x1000, memorySize: 4)]).bytes
        #expect(try plan(image).pieces == [LoadPiece(address: 0x1000, contents: [0, 0, 0, 0])])
    }

    @Test func aFlatImageGoesToItsAddress() throws {
        let plan = try plan([0xea, 1, 2], at: 0xf0000)
        #expect(plan.pieces == [LoadPiece(address: 0xf0000, contents: [0xea, 1, 2])])
        #expect(plan.format == .flat && plan.entry == nil)
    }

    @Test func theLastByteOfARegionMayBeUsedAndNoneMore() throws {
        #expect(try plan([1, 2], at: 0x8f_fffe).pieces.count == 1)
        let error = failure([1, 2], at: 0x7f_ffff, regions: [Self.ram])
        #expect(error?.code == .outsideMemory)
        #expect(
            error?.description
                == "x.exe: the image (0x7fffff–0x800000) does not fit into \"ram\" (0x0–0x7fffff); "
                + "make the region larger, or link the program for less memory"
        )
    }

    @Test func whereItDoesNotFitTheRegionsAreNamed() {
        let outside = ELFBuilder(segments: [.init(address: 0x100_0000, contents: [1], memorySize: 0x1000)]).bytes
        let error = failure(outside)
        #expect(error?.code == .outsideMemory)
        #expect(
            error?.message == "segment 0 (0x1000000–0x1000fff) is in none of the cell's loadable and writable regions: "
                + "\"ram\" (0x0–0x7fffff), \"more\" (0x800000–0x8fffff)"
        )
        #expect(failure(outside, regions: [])?.message.hasSuffix("regions: it has none") == true)
    }

    @Test func spanningTwoRegionsIsNamed() {
        let image = ELFBuilder(segments: [.init(address: 0x7f_f000, contents: [1], memorySize: 0x2000)]).bytes
        let error = failure(image)
        #expect(error?.code == .spansRegions)
        #expect(error?.message.contains("\"ram\" (0x0–0x7fffff) and \"more\" (0x800000–0x8fffff)") == true)
    }

    @Test func theCommunicationRegionMustStayFree() {
        let wide = CellRegion(name: "ram", start: 0, size: 0x1000_0000)
        let image = ELFBuilder(segments: [.init(address: 0x8f_0000, contents: [1], memorySize: 0x1_0001)]).bytes
        let error = failure(image, regions: [wide])
        #expect(error?.code == .overReserved)
        #expect(error?.message.contains("over \"communication region\" (0x900000–0x900fff)") == true)
        #expect(error?.remedy.isEmpty == false)
    }

    @Test func overlappingSegmentsAreNamed() {
        let image = ELFBuilder(
            segments: [
                .init(address: 0x1000, contents: [1], memorySize: 0x1000), .init(address: 0x1fff, contents: [1]),
            ]
        ).bytes
        #expect(failure(image)?.code == .overlap)
        #expect(
            failure(image)?.message == "segment 1 (0x1fff–0x1fff) lies over segment 0 (0x1000–0x1fff)"
        )
    }

    @Test func anotherMachineIsNamed() {
        let image = ELFBuilder(is64: true, machine: 183, segments: [.init(contents: [1])]).bytes
        #expect(failure(image)?.message == "it is an AArch64 executable, but the cell is x86")
        #expect(failure(image, .arm)?.message == "it is an AArch64 executable, but the cell is arm")
        #expect(throws: Never.self) { try plan(image, .arm64) }
        let i386 = ELFBuilder(segments: [.init(contents: [1])]).bytes
        #expect(failure(i386, .arm64)?.code == .machine)
        var bigEndian = i386
        bigEndian[5] = 2
        #expect(failure(bigEndian)?.code == .machine)
    }

    @Test func addressesThatAreMissingOrNeedless() {
        #expect(failure([1, 2, 3])?.code == .addressMissing)
        #expect(failure(ELFBuilder(segments: [.init(contents: [1])]).bytes, at: 0)?.code == .addressNeedless)
        #expect(failure([])?.code == .empty)
        #expect(failure([1, 2], at: .max)?.code == .outsideMemory)
    }

    @Test func whatIsNoProgramIsRefused() {
        #expect(failure(ELFBuilder(type: 1, segments: [.init(contents: [1])]).bytes)?.code == .notExecutable)
        #expect(failure(ELFBuilder(segments: []).bytes)?.code == .noSegments)
        #expect(failure(ELFBuilder(segments: [.init(type: 3, contents: [1])]).bytes)?.code == .notExecutable)
    }

    @Test func memoryWithoutEndIsNotAllocated() {
        let everything = CellRegion(name: "all", start: 0, size: .max)
        let huge = ELFBuilder(
            is64: true, machine: 62, segments: [.init(address: 0, contents: [1], memorySize: 1 << 50)])
        #expect(
            #expect(throws: ImageError.self) {
                try LoadPlan(image: huge.bytes, path: "", address: nil, target: .x86, regions: [everything])
            }?.code == .tooLarge
        )
        let wrapping = ELFBuilder(is64: true, machine: 62, segments: [.init(address: .max >> 1, memorySize: .max)])
        #expect(failure(wrapping.bytes)?.code == .damaged)
    }

    @Test(arguments: [false, true]) func everyShorterFileIsRefused(is64: Bool) {
        let image = ELFBuilder(
            is64: is64, machine: is64 ? 62 : 3,
            segments: [.init(address: 0x1000, contents: [1, 2]), .init(address: 0x3000, contents: [3, 4, 5])]
        ).bytes
        for count in image.indices {
            #expect(throws: ImageError.self, "\(count) bytes") { try plan(Array(image.prefix(count))) }
        }
    }

    @Test func damagedHeadersNeverTrap() {
        let image = ELFBuilder(
            is64: true, machine: 62,
            segments: [.init(address: 0x1000, contents: [1, 2]), .init(address: 0x3000, contents: [3, 4, 5])]
        ).bytes
        for offset in 4..<image.count {
            for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
                var damaged = image
                damaged[offset] = value
                _ = try? plan(damaged)
            }
        }
    }
}
