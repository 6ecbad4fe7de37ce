// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import InmateImage

/// What gzip packs comes out as it was.
@Suite("What gzip packed") struct InflateTests {
    static func gzip(_ bytes: [UInt8], level: Int = 6) throws -> [UInt8] { try packed(bytes, by: "gzip", "-\(level)") }

    static func packed(_ bytes: [UInt8], by program: String, _ options: String...) throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appending(path: "inflate-\(UUID().uuidString)")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/" + program)
        process.arguments = options + ["-c", file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let packed = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Array(packed)
    }

    private static func noise(_ count: Int, _ mask: UInt8) -> [UInt8] {
        var state: UInt32 = 1
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24) & mask
        }
    }

    static let samples: [[UInt8]] = [
        [], [7], Array("Linux".utf8), [UInt8](repeating: 0, count: 100_000), noise(70_000, 0xff), noise(70_000, 0x3),
        (0..<60_000).map { UInt8(truncatingIfNeeded: $0 / 251 ^ $0) },
        Array(String(repeating: "CONFIG_X=y\n", count: 900).utf8),
    ]

    @Test(arguments: samples.indices, [1, 6, 9]) func comesOutAsItWas(index: Int, level: Int) throws {
        let sample = Self.samples[index]
        let packed = try Self.gzip(sample, level: level)
        #expect(try Gzip.unpack(packed[...], limit: sample.count) == sample)
        #expect(try Gzip.unpack((packed + [1, 2, 3])[...], limit: 1 << 20) == sample)
    }

    @Test func damageIsNamed() throws {
        let packed = try Self.gzip(Self.samples[6])
        #expect(throws: Gzip.Failure.truncated) { try Gzip.unpack(packed.dropLast(9), limit: 1 << 20) }
        #expect(throws: Gzip.Failure.truncated) { try Gzip.unpack(packed.dropLast(1), limit: 1 << 20) }
        #expect(throws: Gzip.Failure.tooLarge) { try Gzip.unpack(packed[...], limit: 59_999) }
        #expect(throws: Gzip.Failure.damaged) { try Gzip.unpack([0x1f, 0x8b, 0, 0], limit: 10) }
        var wrong = packed
        wrong[packed.count - 8] ^= 1
        #expect(throws: Gzip.Failure.wrongSum) { try Gzip.unpack(wrong[...], limit: 1 << 20) }
        // whatever is changed, it ends
        for index in packed.indices.prefix(400) {
            var changed = packed
            changed[index] ^= 0x55
            _ = try? Gzip.unpack(changed[...], limit: 1 << 20)
        }
    }
}
