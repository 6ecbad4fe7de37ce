// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import InmateImage

@Suite("Functions of a program")
struct ELFFunctionsTests {
    private static func builder(is64: Bool) -> ELFBuilder {
        ELFBuilder(
            is64: is64, machine: is64 ? 62 : 3,
            segments: [.init(address: 0x10_0000, contents: [0x90], memorySize: 0x1000)],
            symbols: [
                .init(name: "main", value: 0x10_0080), .init(name: "start", value: 0x10_0000),
                .init(name: "file.c", value: 0x10_0090, info: 4), .init(name: "$x", value: 0x10_00a0, info: 0),
                .init(name: "undefined", value: 0x10_00b0, section: 0), .init(name: "elsewhere", value: 0x20_0000),
            ])
    }

    @Test("The one in which an address is", arguments: [true, false])
    func place(is64: Bool) throws {
        let functions = try #require(ELFFunctions(Self.builder(is64: is64).bytes))
        #expect(functions.place(of: 0x10_0000) == .init(function: "start", offset: 0))
        #expect(functions.place(of: 0x10_007f) == .init(function: "start", offset: 0x7f))
        #expect(functions.place(of: 0x10_00ff) == .init(function: "main", offset: 0x7f))
        #expect(functions.place(of: 0xf_ffff) == nil && functions.place(of: 0x20_0010) == nil)
        #expect(functions.buildID == nil && !functions.hasLines)
    }

    @Test("No damage ends the process", arguments: [true, false])
    func damaged(is64: Bool) {
        let image = Self.builder(is64: is64).bytes
        for offset in 4..<image.count {
            for value: UInt8 in [0, 0x7f, 0xff] {
                var damaged = image
                damaged[offset] = value
                _ = ELFFunctions(damaged)?.place(of: 0x10_0080)
            }
        }
        for count in image.indices { _ = ELFFunctions(Array(image.prefix(count))) }
        #expect(ELFFunctions([1, 2, 3]) == nil)
    }
}
