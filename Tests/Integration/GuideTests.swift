// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The commands of the guide, typed by a new user; one after the other, as they have one port.
@Suite("The guide", .serialized)
struct GuideTests {
    private static let guide = Place.source.appending(path: "docs/guide")

    /// What is between two fences of a page.
    private struct Block {
        /// The page and the line of the first fence.
        let place: String
        let kind: Substring
        /// What the comment in front of it says: `only`, for one origin, or `not run`, for a reason; nil: there is none.
        let note: Substring?
        let reason: Substring
        var lines: [Substring] = []
    }

    private static func blocks(of page: URL) throws -> [Block] {
        var blocks: [Block] = []
        var (isInside, before) = (false, Substring())
        let lines = try String(contentsOf: page, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            if line.hasPrefix("```") {
                isInside.toggle()
                guard isInside else { continue }
                let match = before.wholeMatch(of: /<!-- (only|not run): (.+) -->/)
                blocks.append(
                    Block(
                        place: "\(page.lastPathComponent):\(number + 1)", kind: line.dropFirst(3),
                        note: match?.output.1,
                        reason: match?.output.2 ?? ""))
            } else if isInside {
                blocks[blocks.count - 1].lines.append(line)
            }
            before = line
        }
        return blocks
    }

    /// All pages, as the table of contents has them.
    private static func order() throws -> [URL] {
        try String(contentsOf: guide.appending(path: "../mkdocs.yml"), encoding: .utf8)
            .matches(of: /\n  - ([a-z]+\.md)/).map { guide.appending(path: String($0.1)) }
    }

    /// Where somebody has the programs and examples from: a clone, or what the packages install.
    enum Origin: String, CaseIterable { case clone, installed }

    /// An ssh that leads from every board to this machine, where `~/first` has the place of `/etc/jailhoused`.
    private static let boards = #"""
        mkdir ~/boards
        cat > ~/boards/ssh << 'SCRIPT'
        #!/bin/sh
        for word; do case $word in *board-[12]) break ;; *) shift ;; esac; done
        [ $# -gt 1 ] || { echo "ssh: there is no such board" >&2; exit 255; }
        shift
        export JAILHOUSED_SOCKET="$HOME/first/run/control"
        case "$*" in
        *" bundle install "*) set -- "$@" --directory ~/first --signers ~/first/allowed_signers ;;
        *" bundle "*) set -- "$@" --directory ~/first ;;
        esac
        exec sh -c "$*"
        SCRIPT
        chmod 755 ~/boards/ssh
        export PATH=~/boards:$PATH

        """#

    @Test("From nothing to a cell, its death, a bundle and metrics: every command works", arguments: Origin.allCases)
    func everyCommand(origin: Origin) async throws {
        let home = try TemporaryDirectory()
        var (programs, tree) = (Place.programs.path, "")
        if origin == .installed {
            tree = home.url.appending(path: "tree").path
            let made = try await Program.run([
                "make", "--silent", "-C", Place.source.path, "install", "DESTDIR=\(tree)", "PREFIX=/usr",
                "BINARIES=\(programs)",
            ])
            try #require(made.status == 0, "\(made.output)\(made.errors)")
            programs = "\(tree)/usr/bin"
        }
        let blocks = try Self.order().flatMap(Self.blocks)
        #expect(Set(blocks.filter { $0.note == nil }.map { $0.place.prefix { $0 != ":" } }).count >= 8)
        let commands = blocks.filter { $0.note == nil || $0.reason == origin.rawValue }.map {
            let text = $0.lines.joined(separator: "\n")
            return $0.note == nil ? text : text.replacingOccurrences(of: "/usr/", with: tree + "/usr/")
        }
        // a user's shell would end its jobs when it is left; what they still write would be left of the directory
        let script =
            "set -euo pipefail; umask 022; trap 'kill $(jobs -p); wait' EXIT; cd '\(Place.source.path)'\n" + Self.boards
            + commands.joined(separator: "\n")
        let ended = try await Program.run(
            ["bash", "-c", script],
            environment: [
                "HOME": home.url.path, "LC_ALL": "C.UTF-8", "ANSIBLE_REMOTE_TEMP": home.url.path + "/ansible",
                "PATH": programs + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"),
            ], within: .seconds(480))
        #expect(ended.status == 0, "\(ended.output)\n\(ended.errors)")
        for text in [
            "rtems: running, id ", "port 0x70", "signed by plant@example.org", "condition=\"running\"} 1",
            "passed, 0 failed, 0 skipped", "arm.toml: ok", "HOST", "JH0802", "are in force again",
            "(images/rtems.exe of bundle ", "rtems: 1 s",
        ] {
            #expect(ended.output.contains(text), "\(text)\n\(ended.output)\n\(ended.errors)")
        }
    }

    /// The lines of this project's programs in a text: the program, and its words up to what the shell reads.
    private static func lines(in text: Substring) -> [[String]] {
        let command = text.replacing(" -- ", with: " ; ").prefix { $0 != "#" }
        return command.matches(of: /(jailhouse-ctl|jailhouse-sim|jailhouse-exporter|jailhoused)(?: +[^ |&;<>()]+)+/)
            .map { $0.0.split(separator: " ").map { $0.trimmingCharacters(in: ["'", "\""]) } }
            .filter { !$0.contains("COMMAND") }
    }

    @Test("What is not run says why, a shell can read it, and its commands and options are there; in prose, too")
    func notRun() async throws {
        let lessons = try Self.order()
        let others = [
            "README.md", "CONTRIBUTING.md", "SECURITY.md", "configs/README.md", "inmates/README.md",
            "inmates/DEBUGGING.md", "inmates/rtems/README.md", "fleet/ansible/README.md",
        ].map { Place.source.appending(path: $0) }
        var found = Set<[String]>()
        for page in lessons + others {
            for block in try Self.blocks(of: page) where block.note != "only" {
                block.lines.forEach { found.formUnion(Self.lines(in: $0)) }
                guard lessons.contains(page) else { continue }
                #expect(block.note != nil || block.kind == "sh", "\(block.place): say with <!-- not run: … --> why")
                guard block.note != nil, block.kind == "sh" else { continue }
                let read = try await Program.run(["bash", "-n", "-c", block.lines.joined(separator: "\n")])
                #expect(read.status == 0, "\(block.place): \(read.errors)")
            }
            let text = try String(contentsOf: page, encoding: .utf8).replacing(
                /```.*?\n```/.dotMatchesNewlines(), with: "")
            for code in text.matches(of: /`([^`]+)`/) {
                found.formUnion(Self.lines(in: code.1.replacing("\n", with: " ")))
            }
        }
        #expect(found.count >= 60)
        for line in found {
            let help = try await Program.run([Place.program(line[0])] + line.dropFirst() + ["--help"])
            #expect(help.status == 0, "\(line): \(help.errors)")
            let known = Set(help.output.split { !$0.isLetter && !$0.isNumber && $0 != "-" })
            for word in line.dropFirst() where word.hasPrefix("-") && word != "-" {
                #expect(known.contains(word.prefix { $0 != "=" }), "\(line): \(word)")
            }
            // with a word that is no command it would be the page of all
            guard ["jailhouse-ctl", "jailhouse-sim"].contains(line[0]) else { continue }
            let usage = try #require(help.output.firstMatch(of: /USAGE: \S+ (\S+)/), "\(line)")
            #expect(line.contains(String(usage.1)), "\(line)")
        }
    }

    @Test("What waits has a limit, after which it says what to do")
    func waits() throws {
        var count = 0
        for page in try Self.order() {
            for block in try Self.blocks(of: page) where block.kind == "sh" {
                for line in block.lines {
                    let command = line.prefix { $0 != "#" }
                    let waits =
                        #/\b(until|while)\b|\bfor *\(\(|--follow|\btail +-[fF]|jailhouse-ctl wait|jailhouse-sim run/#
                    guard command.contains(waits) else { continue }
                    count += 1
                    let isLimited =
                        command.contains(#/^timeout [0-9]+ .*\|\| (cat|echo) /#) || command.contains(/--timeout [0-9]/)
                        || command.hasSuffix(" &")
                    #expect(isLimited, "\(block.place): \(line)")
                }
            }
        }
        #expect(count >= 8)
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

    @Test(
        "Its site is built with the reference: each page is there, and so is what it refers to",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/mkdocs"), "apt install mkdocs-material"))
    func site() async throws {
        let copy = try TemporaryDirectory()
        let (docs, source) = (copy.url.appending(path: "docs").path, Place.source.path)
        try FileManager.default.copyItem(atPath: source + "/docs", toPath: docs)
        for command in [
            [
                "make", "--silent", "-C", source, "manuals", "BINARIES=\(Place.programs.path)",
                "MANUALS=\(docs)/manuals",
            ],
            ["\(source)/docs/reference.sh", docs + "/manuals", source + "/README.md", docs + "/guide"],
            ["mkdocs", "build", "--quiet", "--strict", "-f", docs + "/mkdocs.yml", "-d", copy.url.path + "/site"],
        ] {
            let ended = try await Program.run(command, within: .seconds(120))
            try #require(ended.status == 0, "\(command): \(ended.output)\(ended.errors)")
        }
        let rules = copy.url.appending(path: "site/reference/jailhoused-rules.7.html")
        #expect(try String(contentsOf: rules, encoding: .utf8).contains("JH0506"))
        // a reason is for those who read the source
        let page = try String(contentsOf: copy.url.appending(path: "site/rtems.html"), encoding: .utf8)
        #expect(page.contains("sb-set-builder") && !page.contains("```"))
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
