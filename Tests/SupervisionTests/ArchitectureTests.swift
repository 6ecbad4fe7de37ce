// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Supervision

/// The page has what the explorer prints; `make tables` writes it.
@Suite("The transition tables of ARCHITECTURE.md")
struct ArchitectureTests {
    private func page() throws -> String {
        let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: source.appending(path: "ARCHITECTURE.md"), encoding: .utf8)
    }

    @Test("Of the machine: all")
    func machine() throws {
        let page = try page()
        for row in TransitionTable.ofMachine().markdown(TransitionTable.machines) {
            #expect(page.contains(row + "\n"), "run make tables")
        }
    }

    /// `make tables` explores more than a test has time for.
    @Test("Of a cell: what every day brings")
    func cell() throws {
        let page = try page()
        for (change, causes) in TransitionTable.ofCell(.everyday).causes {
            let found = TransitionTable.causes(of: change, in: page)
            #expect(found?.isSuperset(of: causes) == true, "\(change): \(causes): run make tables")
        }
    }
}
