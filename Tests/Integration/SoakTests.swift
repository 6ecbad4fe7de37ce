// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("A short soak")
struct SoakTests {
    @Test("Failures and requests leave memory, descriptors and threads as they were, and no restart late")
    func soak() async throws {
        // ten failures a second by themselves, fewer beside other tests
        let ended = try await Program.run(
            [
                Place.program("soak"), "--failures", "300", "--requests", "300", "--cells", "2", "--warm-up", "100",
                "--lateness", "200",
            ], within: .seconds(180))
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
    }
}
