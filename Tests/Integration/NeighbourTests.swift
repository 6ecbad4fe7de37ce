// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A cell is created beside those that exist as they were created, and on the machine as the hypervisor was enabled,
/// whatever the files say by now.
@Suite("Beside what is in force") struct NeighbourTests {
    private static let q35 = Place.source.appending(path: "configs/systems/q35.toml").path

    private func cell(_ name: String, cpu: Int, physical: String) -> String {
        """
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

    @Test(
        "What a cell may not have in the system that is in force keeps it from being created", arguments: [false, true])
    func enabledByFile(isKilled: Bool) async throws {
        let machine = try await LiveMachine.start(
            cells: ["far": cell("far", cpu: 3, physical: "0x70000000")], system: false)
        #expect(try await machine.control("enable", Self.q35).status == 0, "\(machine.log)")
        if isKilled { try await machine.killDaemon() }
        let start = try await machine.control("start", "far")
        #expect(start.status == 1 && start.errors.contains("JH0504"), "\(start)")
        #expect(try await !exists("far", in: machine), "\(machine.log)")
    }

    @Test("The system that is in force counts, not one that was configured afterwards", arguments: [false, true])
    func configuredAfterwards(isKilled: Bool) async throws {
        let plain = try String(contentsOfFile: Self.q35, encoding: .utf8)
        let link = """

            [[ivshmem]]
            name = "link"
            bdf = "00:0e.0"
            peer-id = 0
            msix-vectors = 1
            physical = 0x3a700000
            common-size = "4 KiB"
            output-size = "8 KiB"
            root-shared = false

            """
        let linked =
            plain.replacingOccurrences(
                of: "physical = 0x3a000000\nsize = \"72 MiB\"\naccess = [\"read\", \"write\", \"execute\", \"dma\"]\n",
                with: """
                    physical = 0x3a000000
                    size = "7 MiB"
                    access = ["read", "write", "execute", "dma"]

                    [[memory]]
                    name = "memory for cells, above the link"
                    physical = 0x3a800000
                    size = "64 MiB"
                    access = ["read", "write", "execute", "dma"]

                    """) + link
        let machine = try await LiveMachine.start(
            cells: ["over": cell("over", cpu: 3, physical: "0x3a700000")], system: false)
        let directory = machine.directory.url
        try linked.write(to: directory.appending(path: "linked.toml"), atomically: true, encoding: .utf8)
        let enable = try await machine.control("enable", directory.appending(path: "linked.toml").path)
        #expect(enable.status == 0, "\(enable)")
        try "system = \"\(Self.q35)\"\n".write(
            to: directory.appending(path: "etc/jailhoused.toml"), atomically: true, encoding: .utf8)
        #expect(try await machine.control("reload").status == 0)
        if isKilled { try await machine.killDaemon() }
        let start = try await machine.control("start", "over")
        #expect(start.status == 1 && start.errors.contains("JH0511"), "\(start)")
        #expect(try await !exists("over", in: machine), "\(machine.log)")

        // it is another one now, and not known
        try await machine.inject("other-tool", "disable", ",", "enable")
        try await eventually("the configured one counts: \(machine.log)") {
            try await machine.control("start", "over").status == 0
        }
        #expect(machine.log.components(separatedBy: "it is not known with which system").count == 2, "\(machine.log)")
    }
}
