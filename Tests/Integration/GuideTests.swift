// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The commands of the guide, typed by a new user; one after the other, as they have one port.
@Suite("The guide", .serialized)
struct GuideTests {
    private static let guide = Place.source.appending(path: "docs/guide")

    /// The commands of a page: what is in its blocks of the kind `sh`.
    private static func commands(of page: String) throws -> String {
        let text = try String(contentsOf: guide.appending(path: page), encoding: .utf8)
        var commands: [Substring] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isInside = line == "```sh"
            } else if isInside {
                commands.append(line)
            }
        }
        return commands.joined(separator: "\n")
    }

    /// All pages, as the table of contents has them.
    private static func order() throws -> [String] {
        try String(contentsOf: guide.appending(path: "../mkdocs.yml"), encoding: .utf8)
            .matches(of: /\n  - ([a-z]+\.md)/).map { String($0.1) }
    }

    /// Where somebody has the programs and examples from: a clone, or what the packages install.
    enum Origin: CaseIterable { case clone, installed }

    @Test("From nothing to a cell, its death, a bundle and metrics: every command works", arguments: Origin.allCases)
    func everyCommand(origin: Origin) async throws {
        let captures = Place.source.appending(path: "Tests/MachineProbeTests/Captures").path
        let home = try TemporaryDirectory()
        var (examples, inmates) = (Place.source.appending(path: "configs").path, Place.inmates.path)
        var (programs, boards) = (Place.programs.path, captures)
        if origin == .installed {
            let tree = home.url.appending(path: "tree").path
            let made = try await Program.run([
                "make", "--silent", "-C", Place.source.path, "install", "DESTDIR=\(tree)", "PREFIX=/usr",
                "BINARIES=\(programs)",
            ])
            try #require(made.status == 0, "\(made.output)\(made.errors)")
            (examples, inmates) = ("\(tree)/usr/share/jailhoused/examples", "\(tree)/usr/lib/jailhoused/inmates")
            (programs, boards) = ("\(tree)/usr/bin", "\(examples)/boards")
        }
        let pages = try Self.order().map(Self.commands)
        #expect(pages.filter { !$0.isEmpty }.count >= 7)
        // a user's shell would end its jobs when it is left
        let script = "set -euo pipefail; umask 022; trap 'kill $(jobs -p)' EXIT\n" + pages.joined(separator: "\n")
        let ended = try await Program.run(
            ["bash", "-c", script],
            environment: [
                "HOME": home.url.path, "EXAMPLES": examples, "INMATES": inmates, "BOARD": boards + "/q35",
                "ARM_BOARD": boards + "/virt-gicv3",
                "PATH": programs + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"),
            ], within: .seconds(480))
        #expect(ended.status == 0, "\(ended.output)\n\(ended.errors)")
        for text in [
            "rtems: running, id ", "port 0x70", "signed by plant@example.org", "condition=\"running\"} 1",
            "passed, 0 failed, 0 skipped", "arm.toml: ok",
        ] {
            #expect(ended.output.contains(text), "\(text)\n\(ended.output)\n\(ended.errors)")
        }
    }

    @Test("Its pictures can be drawn, each of them and no other")
    func pictures() async throws {
        let copy = try TemporaryDirectory()
        let guide = copy.url.appending(path: "guide")
        try FileManager.default.copyItem(at: Self.guide, to: guide)
        let drawn = try await Program.run(
            [Place.source.appending(path: "docs/pictures.sh").path, Place.programs.path, guide.path],
            within: .seconds(120))
        #expect(drawn.status == 0, "\(drawn.output)\(drawn.errors)")
        let pictures = try FileManager.default.contentsOfDirectory(atPath: guide.path + "/pictures")
        for picture in pictures {
            let path = guide.appending(path: "pictures/\(picture)")
            #expect(try String(contentsOf: path, encoding: .utf8).hasPrefix("<svg "), "\(picture)")
        }
        #expect(pictures.count >= 5)
    }

    @Test("The pages are in the table of contents, and refer to pages that exist")
    func references() throws {
        let contents = try String(contentsOf: Self.guide.appending(path: "../mkdocs.yml"), encoding: .utf8)
        let pages = try FileManager.default.contentsOfDirectory(atPath: Self.guide.path)
        for page in pages {
            #expect(contents.contains("- \(page)\n"), "\(page)")
            let text = try String(contentsOf: Self.guide.appending(path: page), encoding: .utf8)
            for match in text.matches(of: /\]\(([a-z]+\.md)\)/) {
                #expect(pages.contains(String(match.1)), "\(match.1)")
            }
        }
    }
}
