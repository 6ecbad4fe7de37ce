// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import InmateImage

@Suite struct ImageProfileTests {
    static let multiboot: [UInt8] = [0x02, 0xb0, 0xad, 0x1b, 0, 0, 0, 0, 0xfe, 0x4f, 0x52, 0xe4]

    /// As RTEMS 6 for the PC is linked.
    static func stock(ramSize: UInt64 = 0xffff_ffff) -> ELFBuilder {
        ELFBuilder(
            segments: [.init(address: 0x10_0000, contents: multiboot + [0x90], memorySize: 0x3_0000)],
            symbols: [
                .init(name: "_RTEMS_version", value: 0x12_0000), .init(name: "WorkAreaBase", value: 0x13_0000),
                .init(name: "RamSize", value: ramSize, section: 0xfff1), .init(name: "BSP_dispatch_isr"),
                .init(name: "pc386_clock_click_count"), .init(name: "bsp_reset"), .init(name: "BSP_outch"),
            ]
        )
    }

    /// As the port of 2016 is.
    static var portOf2016: ELFBuilder {
        var image = stock()
        image.symbols?.append(.init(name: "jailhs_pmtmr_port", value: 0x12_8000))
        return image
    }

    private func profile(
        _ builder: ELFBuilder, isRTEMS: Bool = false
    ) throws(ImageError) -> ImageProfile {
        try ImageProfile(image: builder.bytes, address: nil, isRTEMS: isRTEMS)
    }

    @Test func stockRTEMSIsRecognised() throws {
        let profile = try profile(Self.stock())
        let rtems = try #require(profile.rtems)
        #expect(rtems.port == .stock && rtems.evidence == "_RTEMS_version")
        #expect(rtems.workArea == .probed(start: 0x13_0000))
        #expect(rtems.communicationRegion == nil && profile.communicationRegion == nil)
        #expect(profile.isMultiboot && profile.beginsInProtectedMode && profile.hasSymbols)
        #expect(
            rtems.legacyDevices.map(\.evidence)
                == ["BSP_dispatch_isr", "pc386_clock_click_count", "bsp_reset", "BSP_outch"]
        )
        #expect(
            try self.profile(Self.stock(ramSize: 0x80_0000)).rtems?.workArea
                == .bounded(start: 0x13_0000, end: 0x80_0000)
        )
    }

    @Test func thePortOf2016IsToldFromIt() throws {
        let profile = try profile(Self.portOf2016)
        #expect(profile.rtems?.port == .jailhouse2016)
        #expect(profile.rtems?.workArea == .bounded(start: 0x13_0000, end: 0x80_0000))
        #expect(profile.communicationRegion == 0x90_0000)
        // its clock is the x2APIC's
        #expect(profile.rtems?.legacyDevices.contains { $0.ports == [0x40...0x43] } == false)
    }

    @Test func anotherProgramIsNot() throws {
        var image = Self.stock()
        image.symbols = [.init(name: "bsp_start"), .init(name: "main")]
        #expect(try profile(image).rtems == nil)
        #expect(try profile(image).beginsInProtectedMode)
        image.symbols?.append(.init(name: "WorkAreaBase"))
        #expect(try profile(image).rtems?.evidence == "bsp_start")
    }

    @Test func whatIsOnlyUsedOrIsTheNameOfAFileDoesNotCount() throws {
        var image = Self.stock()
        image.symbols = [.init(name: "_RTEMS_version", section: 0), .init(name: "boot_card", info: 4)]
        #expect(try profile(image).rtems == nil)
        image.sections = [".text", ".rtemsroset"]
        #expect(try profile(image).rtems?.evidence == ".rtemsroset")
    }

    @Test func aStrippedOneMayBeDeclared() throws {
        var image = Self.stock()
        image.symbols = nil
        #expect(try profile(image).rtems == nil)
        let declared = try profile(image, isRTEMS: true)
        #expect(declared.rtems?.evidence == nil && declared.rtems?.workArea == nil && !declared.hasSymbols)
        // of that every one of them can be sure
        #expect(declared.rtems?.legacyDevices.map(\.ports) == [[0x20...0x21, 0xa0...0xa1], [0x4d0...0x4d1]])
    }

    @Test(arguments: [false, true]) func theRegionIsReadFromAnAbsoluteSymbolOnly(is64: Bool) throws {
        var image = ELFBuilder(
            is64: is64, machine: is64 ? 183 : 3, segments: [.init(contents: [1])],
            symbols: [.init(name: "communication_region", value: 0x10_0000, section: 0xfff1)]
        )
        #expect(try profile(image).communicationRegion == 0x10_0000)
        image.symbols?[0].section = 1
        #expect(try profile(image).communicationRegion == nil)
    }

    @Test func otherProcessorsHaveNoPCHardwareAndOtherWorkAreas() throws {
        let image = ELFBuilder(
            is64: true, machine: 183, segments: [.init(contents: [1])],
            symbols: [
                .init(name: "_RTEMS_version"), .init(name: "bsp_reset"),
                .init(name: "bsp_section_work_begin", value: 0x1000),
                .init(name: "bsp_section_work_end", value: 0x9000),
            ]
        )
        let rtems = try #require(try profile(image).rtems)
        #expect(rtems.legacyDevices.isEmpty && rtems.workArea == .bounded(start: 0x1000, end: 0x9000))
    }

    /// As RTEMS 6 for aarch64/a53_lp64_qemu is linked with the layer: the size of its RAM is no address.
    @Test func theLayerOnArm64LooksWhereArmCellsHaveTheRegion() throws {
        var image = ELFBuilder(
            is64: true, machine: 183, segments: [.init(contents: [1])],
            symbols: [
                .init(name: "boot_card"), .init(name: "jailhouse_layer_revision", value: 1, section: 0xfff1),
                .init(name: "WorkAreaBase", value: 0x4010_8680),
                .init(name: "RamSize", value: 0x6f_8000, section: 0xfff1),
                .init(name: "bsp_section_work_begin", value: 0x4010_8680),
                .init(name: "bsp_section_work_end", value: 0x4070_0000),
            ]
        )
        let rtems = try #require(try profile(image).rtems)
        #expect(rtems.port == .layer && rtems.workArea == .bounded(start: 0x4010_8680, end: 0x4070_0000))
        #expect(try profile(image).communicationRegion == 0x8000_0000)
        image.symbols?.append(.init(name: "communication_region", value: 0x9000_0000, section: 0xfff1))
        #expect(try profile(image).communicationRegion == 0x9000_0000)
    }

    @Test func aMultibootHeaderNeedsItsChecksumAndItsPlace() throws {
        var image = ELFBuilder(segments: [.init(contents: Self.multiboot)])
        #expect(try profile(image).isMultiboot)
        image.segments[0].contents[8] ^= 1
        #expect(try !profile(image).isMultiboot)
        image.segments[0].contents = Array(repeating: 0, count: 8192) + Self.multiboot
        #expect(try !profile(image).isMultiboot)
    }

    /// As GNU ld lays a program out: its headers, in which the entry is, have a segment of their own below.
    @Test(arguments: [false, true], [true, false]) func headersAreNoStartCode(is64: Bool, hasFlags: Bool) throws {
        var image = Self.stock()
        image.is64 = is64
        image.segments.insert(.init(address: 0xf_f000, offset: 0, fileSize: is64 ? 176 : 116), at: 0)
        var bytes = image.bytes
        if hasFlags {
            // read only
            bytes[is64 ? 64 + 4 : 52 + 24] = 4
        }
        let profile = try ImageProfile(image: bytes, address: nil)
        let entry = try #require(profile.entry)
        #expect(profile.parts[0].start == 0xf_f000 && profile.parts[0].file.lowerBound == 0)
        #expect(profile.parts[0].isExecutable == !hasFlags)
        #expect(profile.startCode(in: bytes, for: entry) == nil)
    }

    @Test(arguments: [false, true]) func anUpstreamInmateIsKnownByItsBytesOnceStripped(is64: Bool) throws {
        var image = ELFBuilder(
            is64: is64, machine: is64 ? 62 : 3, segments: [.init(contents: [0xfa, 0xf4] + Array("JHCOMM".utf8))])
        #expect(try profile(image).isUpstreamInmate)
        // its symbols say it better
        image.symbols = [.init(name: "main")]
        #expect(try !profile(image).isUpstreamInmate)
        image.symbols = [.init(name: "inmate_main")]
        #expect(try profile(image).isUpstreamInmate)
    }

    @Test func theFirstBytesOfOurOwnSayWhereTheRegionIs() throws {
        var image: [UInt8] = [0xfa, 0xfc, 0xeb, 0x08, 0, 0, 0, 0, 0, 0, 0x10, 0] + [UInt8](repeating: 0x90, count: 64)
        #expect(try ImageProfile(image: image, address: nil).writtenRegion == 0x10_0000)
        let stripped = ELFBuilder(is64: true, machine: 62, segments: [.init(contents: image)])
        #expect(try profile(stripped).writtenRegion == 0x10_0000)
        image[8] = 1
        #expect(try ImageProfile(image: image, address: nil).writtenRegion == nil)
    }

    @Test func kernelsOfLinuxAreKnown() throws {
        var kernel = [UInt8](repeating: 0, count: 0x400)
        #expect(try !ImageProfile(image: kernel, address: nil).isLinuxKernel)
        kernel.replaceSubrange(0x38..<0x3c, with: Array("ARM\u{64}".utf8))
        #expect(try ImageProfile(image: kernel, address: nil).isLinuxKernel)
        kernel = [UInt8](repeating: 0, count: 0x400)
        kernel.replaceSubrange(0x1fe..<0x206, with: [0x55, 0xaa, 0, 0] + Array("HdrS".utf8))
        #expect(try ImageProfile(image: kernel, address: nil).isLinuxKernel)
    }

    @Test func aFlatImageSaysNothing() throws {
        let profile = try ImageProfile(image: [1, 2, 3], address: 0xf0000)
        #expect(profile.format == .flat && profile.entry == nil && profile.rtems == nil && !profile.hasSymbols)
        #expect(profile.parts == [.init(start: 0xf0000, size: 3, file: 0..<3)])
        #expect(throws: ImageError.self) { try ImageProfile(image: [], address: nil) }
    }

    /// Each byte of the headers and tables takes each of some values: nothing may trap, and what can be loaded still
    /// has a profile.
    @Test(arguments: [false, true]) func damagedTablesNeverTrap(is64: Bool) {
        var builder = Self.stock()
        (builder.is64, builder.machine) = (is64, is64 ? 62 : 3)
        builder.sections = [".text", ".rtemsroset"]
        let image = builder.bytes
        for offset in 4..<image.count {
            for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
                var damaged = image
                damaged[offset] = value
                let isLoadable = (try? ELFFile(damaged)) != nil
                #expect((try? ImageProfile(image: damaged, address: nil)) != nil || !isLoadable)
            }
        }
        for count in image.indices { _ = try? ImageProfile(image: Array(image.prefix(count)), address: nil) }
    }

    @Test func manySymbolsAreReadQuickly() throws {
        var builder = Self.stock()
        builder.symbols = (0..<20_000).map { .init(name: "symbol\($0)") } + (builder.symbols ?? [])
        let image = builder.bytes
        let start = ContinuousClock.now
        #expect(try ImageProfile(image: image, address: nil).rtems != nil)
        #expect(.now - start < .seconds(5))
    }

    @Test("A segment without bytes needs none of the file, wherever it is said to lie")
    func emptySegment() throws {
        let image = ELFBuilder(segments: [
            .init(address: 0x10_0000, contents: [0x90]),
            .init(address: 0x20_0000, memorySize: 0x3000, offset: 0xffe8, fileSize: 0),
        ])
        let profile = try profile(image)
        #expect(profile.parts.map(\.size) == [1, 0x3000] && profile.end == 0x20_3000)
        #expect(profile.parts.map(\.file.count) == [1, 0])
        let plan = try LoadPlan(
            image: image.bytes, path: "/x", address: nil, target: .x86,
            regions: [CellRegion(name: "RAM", start: 0, size: 0x80_0000)])
        #expect(plan.pieces.contains { $0.address == 0x10_0000 })
    }

    @Test("A flat image is as large as its multiboot header says its BSS is")
    func multibootBSS() throws {
        let words: [UInt32] = [
            0x1bad_b002, 0x1_0003, 0 &- 0x1bad_b002 &- 0x1_0003, 0x20_0000, 0x20_0000, 0, 0x90_0000, 0x20_0020,
        ]
        let header = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        let flat = header + [0x90]
        let own = try ImageProfile(image: flat, address: nil)
        #expect(own.parts.map(\.start) == [0x20_0000] && own.end == 0x90_0000 && own.entry == 0x20_0020)
        #expect(try ImageProfile(image: flat, address: 0x40_0000).parts[0].size == UInt64(flat.count))
    }
}
