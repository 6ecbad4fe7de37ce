// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import InmateImage

@Suite("What zstd packed") struct ZstandardTests {
    private static let kernel = TestKernel.arm64(size: 0x20_0000)

    @Test(
        "A kernel is unpacked, however hard it was packed, also within the EFI boot's image", arguments: ["-1", "-19"])
    func kernel(level: String) throws {
        let packed = try InflateTests.packed(Self.kernel, by: "zstd", level)
        #expect(Zstandard.isPacked(packed[...]))
        #expect(try Arm64Kernel(packed).contents == Self.kernel)
        // what the kernel's build writes behind it
        #expect(try Arm64Kernel(packed + [0, 0, 0x20, 0]).contents == Self.kernel)
        var image = [UInt8](repeating: 0, count: 0x100)
        image.replaceSubrange(0..<8, with: Array("MZ\0\0zimg".utf8))
        image[9] = 1
        for index in 0..<4 { image[12 + index] = UInt8(packed.count >> (8 * index) & 0xff) }
        image.replaceSubrange(24..<30, with: Array("zstd22".utf8))
        #expect(try Arm64Kernel(image + packed).contents == Self.kernel)
    }

    @Test("More than the first guess of its size is unpacked, and no more than the limit")
    func large() throws {
        let zeros = [UInt8](repeating: 0, count: 9 << 20)
        let packed = try InflateTests.packed(zeros, by: "zstd", "-3")
        #expect(try Zstandard.unpack(packed[...], limit: 16 << 20) == zeros)
        #expect(throws: Zstandard.Failure.tooLarge) { try Zstandard.unpack(packed[...], limit: 8 << 20) }
    }

    @Test("What is cut off or damaged is called so, and ends nothing")
    func broken() throws {
        let packed = try InflateTests.packed(Self.kernel, by: "zstd", "-3")
        for count in stride(from: 4, to: packed.count - 1, by: 7) {
            #expect(throws: Zstandard.Failure.self) { try Zstandard.unpack(packed[..<count], limit: 1 << 24) }
        }
        #expect(throws: Zstandard.Failure.truncated) { try Zstandard.unpack(packed.dropLast(3)[...], limit: 1 << 24) }
        var changed = packed
        for index in stride(from: 6, to: packed.count, by: 11) { changed[index] ^= 0x55 }
        #expect(throws: Zstandard.Failure.self) { try Zstandard.unpack(changed[...], limit: 1 << 24) }
    }
}
