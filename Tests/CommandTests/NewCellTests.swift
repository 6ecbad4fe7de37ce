// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Commands

struct NewCellTests {
    private static let system = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("configs/systems/q35.toml").path

    /// Runs `new-cell` with a flat image of a few bytes in a directory of its own.
    private func withImage(_ body: (_ directory: String, _ image: String) throws -> Void) throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let image = directory + "/blink.bin"
        try Data([0xfa, 0xf4]).write(to: URL(fileURLWithPath: image))
        try body(directory, image)
    }

    @Test func whatIsProposedPassesItsCheck() throws {
        try withImage { directory, image in
            let (first, second) = (directory + "/1.toml", directory + "/2.toml")
            let outcome = try Executable.run(["new-cell", Self.system, "--image", image, "-o", first])
            #expect(outcome.status == 0 && outcome.output.isEmpty)
            // the machine's one serial interface is Linux's, too
            let complaints = outcome.error.split(separator: "\n").filter { !$0.hasPrefix("    ") }
            #expect(complaints.allSatisfy { $0.contains("[JH1505]") }, "\(outcome.error)")
            let next = try Executable.run([
                "new-cell", Self.system, first, "--image", image, "--name", "second", "--memory", "4 MiB", "-o", second,
            ])
            #expect(next.status == 0)
            // both print to the machine's one serial interface
            #expect(next.error.contains("[JH0607]"), "\(next.error)")
            let check = try Executable.run(["check", Self.system, first, second])
            #expect(check.status == 0, "\(check.output)")
            let text = try String(contentsOfFile: second, encoding: .utf8)
            #expect(text.contains("cpus = [2]") && text.contains("physical = 0x3a800000"), "\(text)")
        }
    }

    /// What `check` rejects is neither written nor shown.
    @Test func whatCheckRejectsIsNotProposed() throws {
        try withImage { directory, image in
            let file = directory + "/x.toml"
            let outcome = try Executable.run(["new-cell", Self.system, "--cpus", "0", "--image", image, "-o", file])
            #expect(outcome.status == 1 && outcome.output.isEmpty)
            #expect(outcome.error.contains("[JH0104]"), "\(outcome.error)")
            #expect(outcome.error.contains("nothing is proposed: 'check' rejects"), "\(outcome.error)")
            #expect(!FileManager.default.fileExists(atPath: file))
        }
    }

    @Test func json() throws {
        try withImage { _, image in
            let outcome = try Executable.run(["new-cell", Self.system, "--cpus", "0", "--image", image, "--json"])
            #expect(outcome.status == 1)
            let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
            #expect(json?["output"] is NSNull)
            #expect(json?["toml"] is NSNull)
            let findings = json?["findings"] as? [[String: Any]]
            #expect(findings?.contains { $0["rule"] as? String == "JH0104" } == true)
        }
    }

    @Test(arguments: [
        (["--memory", "8 MB"], 64, "8 MB"), (["--cpus", "x"], 64, "x"), (["--address", "0xg"], 64, "0xg"),
        (["--name", String(repeating: "x", count: 32)], 1, "31 bytes; give one with --name"),
        (["--memory", "1 GiB"], 1, "has no 1 GiB in one piece left"),
    ]) func mistakesAreNamed(options: [String], status: Int32, words: String) throws {
        try withImage { _, image in
            let outcome = try Executable.run(["new-cell", Self.system, "--image", image] + options)
            #expect(outcome.status == status, "\(outcome)")
            #expect(outcome.error.contains(words) && outcome.output.isEmpty, "\(outcome)")
        }
    }

    @Test func thereMustBeOneSystem() throws {
        try withImage { _, image in
            let outcome = try Executable.run(["new-cell", Self.system, Self.system, "--image", image])
            #expect(outcome.status == 64)
            #expect(outcome.error.contains("one system among the files, not 2"))
        }
        let missing = try Executable.run(["new-cell", Self.system, "--image", "/none.exe"])
        #expect(missing.status == 1 && missing.error.contains("/none.exe"))
    }
}
