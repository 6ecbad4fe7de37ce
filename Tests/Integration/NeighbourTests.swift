// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A cell is created beside those that exist as they were created, whatever the files say by now.
@Suite("Beside what is in force") struct NeighbourTests {
    /// - Parameter ports: the first of two; nil: none.
    private func cell(_ name: String, cpu: Int, physical: String, ports: String? = nil) -> String {
        let hardware = """
            [cell]
            name = "\(name)"
            architecture = "x86"
            cpus = [\(cpu)]
            passive-comm-region = true

            [[memory]]
            physical = \(physical)
            virtual = 0x0
            size = "1 MiB"
            access = ["read", "write", "execute", "loadable"]

            """
        return hardware + (ports.map { "\n[[ports]]\nbase = \($0)\ncount = 2\n" } ?? "")
    }

    private func exists(_ name: String, in machine: LiveMachine) async throws -> Bool {
        try await machine.state().cells.contains { $0.name == name }
    }

    @Test(
        "Memory of a running cell stays its own when its definition is moved or removed",
        arguments: [false, true], [false, true])
    func movedOrRemoved(isRemoved: Bool, isKilled: Bool) async throws {
        let machine = try await LiveMachine.start(cells: ["a": cell("a", cpu: 3, physical: "0x3a000000")])
        #expect(try await machine.control("start", "a").status == 0, "\(machine.log)")
        if isRemoved {
            try FileManager.default.removeItem(at: machine.directory.url.appending(path: "etc/cells/a.toml"))
        } else {
            try machine.write(cell("a", cpu: 3, physical: "0x3a800000"), toCell: "a")
        }
        #expect(try await machine.control("reload").status == 0, "\(machine.log)")
        try machine.write(cell("c", cpu: 2, physical: "0x3a080000"), toCell: "c")
        #expect(try await machine.control("reload").status == 0, "\(machine.log)")
        if isKilled { try await machine.killDaemon() }

        let start = try await machine.control("start", "c")
        #expect(start.status == 1 && start.errors.contains("the cell a exists") && start.errors.contains("JH0603"))
        #expect(try await !exists("c", in: machine), "\(machine.log)")
        #expect(try await machine.cell("a")?.state == "running")

        // when it is gone, its memory is free
        if isRemoved {
            try await machine.inject("other-tool", "destroy", "a")
        } else {
            #expect(try await machine.control("destroy", "a").status == 0, "\(machine.log)")
        }
        try await eventually("it is gone: \(machine.log)") { try await machine.cell("a")?.id == nil }
        let again = try await machine.control("start", "c")
        #expect(again.status == 0, "\(again)")
        if !isRemoved {
            let other = try await machine.control("start", "a")
            #expect(other.status == 0, "where it is to be now, it is nobody's: \(other)")
        }
    }
}
