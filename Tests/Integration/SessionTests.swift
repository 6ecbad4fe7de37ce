// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Whole sessions with the daemon in a simulated machine, as scripts hold them.
@Suite struct SessionTests {
    /// PyPI's Varlink client; `make test` puts it there.
    @Test func anothersVarlinkClientUnderstandsIt() async throws {
        let ended = try await Program.run([
            script("Integration/with-machine.sh"), Place.programs.path,
            Place.source.appending(path: ".build/venv/bin/python").path,
            Place.source.appending(path: "Tests/Integration/varlink_client.py").path,
        ])
        #expect(ended.status == 0, "\(ended.errors)")
    }

    @Test(arguments: ["demo", "demo-arm64"]) func theDemoSeesWhatItShould(name: String) async throws {
        let ended = try await Program.run([script("Programs/demo/\(name).sh"), Place.programs.path])
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
    }

    private func script(_ path: String) -> String {
        Place.source.appending(path: "Tests").appending(path: path).path
    }
}
