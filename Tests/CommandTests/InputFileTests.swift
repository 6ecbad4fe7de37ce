// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Commands

@Suite("Files that are read")
struct InputFileTests {
    @Test("An image may be larger than a configuration, and what is too large is said to be")
    func limits() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "large-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data().write(to: file)
        let handle = try FileHandle(forWritingTo: file)
        try handle.truncate(atOffset: UInt64(InputFile.limit) + 1)
        try handle.close()
        let failure = #expect(throws: CommandFailure.self) { try InputFile(file.path) }
        #expect(failure?.message == "cannot read \(file.path): it has more than 64 MiB")
        #expect(try InputFile.read(file.path).count == InputFile.limit + 1)
        #expect(InputFile.imageLimit == 1 << 30)
    }
}
