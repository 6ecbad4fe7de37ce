// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Foundation
import InmateImage
import TestSupport
import Testing

@testable import CellDefinition

// Where the communication region of a proposed cell is.

extension CellProposalTests {
    @Test func upstreamsOwnInmatesFindTheirRegion() throws {
        let image: [UInt8] = [0xfa, 0xf4] + Array("JHCOMM".utf8) + [0]
        let proposal = try proposal(image)
        #expect(proposal.region == 0x10_0000)
        #expect(proposal.toml().contains("library of Jailhouse's own inmates"))
        #expect(try cell(proposal, image).memoryRegions.map(\.virtualStart) == [0, 0x10_1000, 0x10_0000])
        var program = ImageFindingTests.rtems
        program.symbols = [.init(name: "inmate_main")]
        (program.segments[0].address, program.entry) = (0, 0)
        #expect(try self.proposal(program.bytes).region == 0x10_0000)
        let arm = Self.system.replacing("\"x86\"", with: "\"arm64\"").replacing(
            "type = \"8250\"", with: "type = \"PL011\"")
        #expect(try self.proposal(image, system: arm).region == 0x8000_0000)
    }

    /// As our own flat programs have it at their beginning.
    @Test(arguments: [(0x10_0000, true), (0xfee0_0000, false)] as [(UInt32, Bool)])
    func aWrittenRegionIsNoDevices(address: UInt32, isTaken: Bool) throws {
        let image: [UInt8] =
            [0xfa, 0xfc, 0xeb, 0x08, 0, 0, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: address >> (8 * $0)) }
            + [UInt8](repeating: 0x90, count: 64)
        let written = try ImageProfile(image: image, address: nil).writtenRegion
        #expect(written == UInt64(address))
        let proposal = try proposal(image)
        #expect((proposal.region == UInt64(address)) == isTaken)
    }

    /// Without its names an inmate of upstream's is known by its bytes, and has no 16-bit code in its headers.
    @Test func aStrippedInmateOfUpstreams() throws {
        var program = ELFBuilder(
            entry: 0x10_000c,
            segments: [
                .init(address: 0xf_f000, offset: 0, fileSize: 116),
                .init(address: 0x10_0000, contents: [UInt8](repeating: 0x90, count: 64) + Array("JHCOMM".utf8)),
            ])
        // it is where that library looks
        let beside = try proposal(program.bytes)
        #expect(beside.region != 0x10_0000 && !beside.toml().contains("made with the library of Jailhouse"))
        #expect(
            beside.toml().contains("Whether and where the program looks for the communication region cannot be seen"))
        #expect(beside.toml().contains("set start = \"protected-32\" in [[image]]"))
        program.segments[1].address = 0
        program.entry = 0
        #expect(try proposal(program.bytes).region == 0x10_0000)
        (program.segments[1].address, program.entry) = (0x10_0000, 0x10_000c)
        program.segments[1].contents = ImageFindingTests.rtems.segments[0].contents
        program.segments[1].memorySize = 0x1000
        let text = try proposal(program.bytes).toml()
        #expect(text.contains("start = \"multiboot\"") && !text.contains("the image's 16-bit start"), "\(text)")
    }
}
