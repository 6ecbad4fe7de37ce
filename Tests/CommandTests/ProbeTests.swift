// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Commands

struct ProbeTests {
    private static let captures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("MachineProbeTests/Captures").path

    @Test func whatItProposesIsSound() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let file = directory + "/q35.toml"
        let probed = try Executable.run(["probe", "--root", Self.captures + "/q35", "-o", file])
        #expect(probed == .init(status: 0, output: "", error: ""))
        #expect(try Executable.run(["check", file, "--root", Self.captures + "/q35"]).status == 0)
        #expect(try Executable.run(["map", file]).output.contains("memory for cells"))
    }

    @Test func onStandardOutput() throws {
        let outcome = try Executable.run(["probe", "--root", Self.captures + "/q35-amd/"])
        #expect(outcome.status == 0)
        #expect(
            outcome.output.contains(
                "\n# Linux still uses this memory. Before enabling, add to its command line: memmap="))
        #expect(outcome.output.contains("type = \"amd\""))
    }

    @Test func json() throws {
        let outcome = try Executable.run(["probe", "--json", "--root", Self.captures + "/q35"])
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        #expect((object?["toml"] as? String)?.contains("[root-cell]") == true)
        #expect(
            (object?["notes"] as? [[String: Any]])?.contains { $0["location"] as? String == "pci-device[0]" } == true)
    }

    @Test func whereThereIsNoMachine() throws {
        let outcome = try Executable.run(["probe", "--root", "/none"])
        #expect(outcome.status == 1)
        #expect(
            outcome.error.hasPrefix("jailhouse-ctl: cannot read /none/proc/iomem: No such file or directory; --root"))
    }
}
