// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The manual as `make install` makes it.
@Suite("The manual")
struct ManualTests {
    private static func pages(in directory: URL) async throws -> [URL] {
        let made = try await Program.run([
            "make", "--silent", "-C", Place.source.path, "manuals", "BINARIES=\(Place.programs.path)",
            "MANUALS=\(directory.path)",
        ])
        #expect(made.status == 0, "\(made.errors)")
        let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: [.isRegularFileKey])
        return try (files?.compactMap { $0 as? URL } ?? [])
            .filter { try $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true }
            .sorted { $0.path < $1.path }
    }

    @Test("Every program, command, format, rule and method has a page, without a warning of man and mandoc")
    func isFaultless() async throws {
        let directory = try TemporaryDirectory()
        let pages = try await Self.pages(in: directory.url)
        let names = Set(pages.map(\.lastPathComponent))
        let expected = [
            "jailhoused.8", "jailhouse-ctl.1", "jailhouse-ctl-start.1", "jailhouse-ctl-new-cell.1", "jailhouse-sim.1",
            "jailhouse-sim-inject-command.1", "jailhoused.toml.5", "jailhouse-cell.5", "jailhouse-system.5",
            "jailhoused-rules.7", "org.jailhoused.Manager.7",
        ]
        #expect(names.isSuperset(of: expected), "\(expected.filter { !names.contains($0) })")

        let lint = try await Program.run(["mandoc", "-Tlint", "-Wstyle"] + pages.map(\.path))
        #expect(lint.output + lint.errors == "")
        let environment = ["MANPAGER": "cat", "MAN_KEEP_FORMATTING": "", "MANWIDTH": "80"]
        // a machine without a locale is a usual one
        let plain = try await Program.run(
            ["man", "--warnings", "--local-file"] + pages.map(\.path),
            environment: environment.merging(["LC_ALL": "C"]) { $1 })
        #expect(plain.status == 0 && plain.errors == "", "\(plain.errors)")
        for page in pages {
            let shown = try await Program.run(
                ["man", "--warnings", "--local-file", page.path],
                environment: environment.merging(["LC_ALL": "C.UTF-8"]) { $1 })
            #expect(shown.status == 0 && shown.errors == "", "\(page.lastPathComponent): \(shown.errors)")
            #expect(shown.output.contains("NAME"))
        }
    }

    @Test("Pages refer to pages that exist")
    func references() async throws {
        let directory = try TemporaryDirectory()
        let pages = try await Self.pages(in: directory.url)
        let names = Set(pages.map(\.lastPathComponent))
        let units = try FileManager.default.contentsOfDirectory(
            at: Place.source.appending(path: "units"), includingPropertiesForKeys: nil)
        for file in pages + units {
            let text = try String(contentsOf: file, encoding: .utf8).replacing("\\-", with: "-")
            for match in text.matches(of: /((?:jailhouse|org\.jailhoused)[A-Za-z.\-]*)\(([1578])\)/) {
                #expect(names.contains("\(match.1).\(match.2)"), "\(file.lastPathComponent): \(match.0)")
            }
        }
    }
}
