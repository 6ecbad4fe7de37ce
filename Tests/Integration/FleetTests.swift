// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension PackageTests {
    @Test("Two machines get the packages and a good image by Ansible; a bad one goes no further than the first")
    func fleet() async throws {
        let packages = try #require(MadePackages.current).appending(path: "old")
        let script = Place.source.appending(path: "Tests/Programs/fleet/fleet.sh").path
        let asRoot = geteuid() == 0 ? [] : ["sudo", "--non-interactive"]
        let ended = try await Program.run(asRoot + [script, "2", packages.path], within: .seconds(480))
        #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
        #expect(ended.output.contains("are in force again"))
        #expect(ended.output.contains("# Nothing is left"))
    }
}
