// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `swift test` alone does not build what is not Swift Package Manager's: `make test` does.
@Suite("What must have been built before the tests")
struct PrerequisitesTests {
    @Test(
        "It is there",
        arguments: [
            ("inmates/build/rtems.exe", "make inmates"),
            ("Sources/CellMonitor/build/cell-monitor.bin", "make cell-monitor"),
            ("Sources/CellMonitor/build/cell-monitor-arm64.bin", "make cell-monitor"),
            (".build/venv/bin/python", "make .build/venv"),
            (".build/bare-debian.tar", "make .build/bare-debian.tar"),
        ])
    func isBuilt(path: String, remedy: String) {
        #expect(
            FileManager.default.fileExists(atPath: Place.source.appending(path: path).path),
            "\(path) is missing: run \(remedy), or make test, which does all of it")
    }
}
