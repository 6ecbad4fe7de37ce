// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import Foundation
import FoundationXML
import Testing

@testable import Commands

/// The pictures of the machine and the cells in `Golden/`. After a change that is meant, look at what
/// `UPDATE_GOLDEN=1 swift test --filter MapTests` writes there.
struct MapTests {
    private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden")

    /// The cells of `Golden/` on its machine, with findings that no later rule adds to.
    private func map(_ names: String...) throws -> MemoryMap {
        func contents(_ name: String) throws -> ConfigurationFile {
            let file = Self.golden.appendingPathComponent(name)
            return try ConfigurationFile(toml: String(contentsOf: file, encoding: .utf8), path: name)
        }
        guard case .system(let system) = try contents("machine.toml") else { throw CocoaError(.fileReadCorruptFile) }
        let cells = try names.compactMap { name -> MemoryMap.Cell? in
            guard case .cell(let cell) = try contents(name) else { return nil }
            return MemoryMap.Cell(file: name, descriptor: cell, images: name == "sound.toml" ? Self.images : [])
        }
        func remark(_ severity: Finding.Severity, _ rule: String?, _ location: String, _ message: String) -> MapRemark {
            MapRemark(severity: severity, rule: rule, file: "unsound.toml", location: location, message: message)
        }
        let remarks = [
            remark(
                .error, "JH0603", "memory[0]",
                "the region \"ram\" (physical 0x3a400000–0x3b3fffff) lies over \"ram\" "
                    + "(0x3a000000–0x3a7fffff) of sound.toml"),
            remark(
                .error, "JH0304", "memory[1]",
                "the region \"communication region\" (0x900000–0x900fff) lies over "
                    + "\"ram\" (memory[0], 0x0–0xffffff)"),
            remark(
                .error, "JH0506", "memory[2]",
                "the region \"scratch\" (physical 0x3e400000–0x3ebfffff) lies over the "
                    + "hypervisor's memory (0x3e800000–0x3effffff)"),
            remark(
                .warning, "JH0505", "memory[2]",
                "the region \"scratch\" (physical 0x3e400000–0x3ebfffff) is not within the root cell's regions"),
            remark(.error, nil, "cell.name", "not in memory"),
        ]
        return MemoryMap(
            system: (file: "machine.toml", descriptor: system), cells: cells, remarks: cells.count > 1 ? remarks : [])
    }

    private static let images = [
        MemoryMap.Image(
            file: "/usr/lib/app.exe",
            parts: [
                .init(name: "segment 0", start: 0x10_0000, size: 0x2_0000),
                .init(name: "segment 1", start: 0x12_0000, size: 0x1_0000),
            ], entry: 0x10_000c),
        MemoryMap.Image(file: "stub.bin", parts: [.init(name: "", start: 0xf_0000, size: 100)]),
    ]

    private func compare(_ text: String, with name: String) throws {
        let file = Self.golden.appendingPathComponent(name)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil { try Data(text.utf8).write(to: file) }
        #expect(text == (try String(contentsOf: file, encoding: .utf8)), "\(text)")
    }

    @Test(arguments: [80, 120]) func text(width: Int) throws {
        let map = try map("sound.toml", "unsound.toml")
        let text = TerminalMap(map: map, width: width, style: .plain, alphabet: .unicode).text()
        try compare(text, with: "map-\(width).txt")
        let pictures = text.split(separator: "\n").prefix { !$0.hasPrefix("Lengths") }
        #expect(pictures.allSatisfy { $0.count <= width })
    }

    /// No lane is so narrow that there is no room for a name.
    @Test(arguments: [14, 40]) func manyRegionsInOnePlace(count: Int) {
        let regions = (0..<count).map {
            MemoryRegion(
                name: "region \($0)", physicalStart: 0x3a00_0000, size: 0x10_0000 + UInt64($0) * 0x1000, flags: [.read])
        }
        let cell = MemoryMap.Cell(
            file: "a.toml", descriptor: CellDescriptor(name: "a", memoryRegions: regions), images: [])
        let map = MemoryMap(system: nil, cells: [cell], remarks: [])
        let text = TerminalMap(map: map, width: 80, style: .plain, alphabet: .unicode).text()
        #expect(text.components(separatedBy: " a:").count > count, "\(text)")
    }

    private func terminal(_ map: MemoryMap, width: Int = 80) -> String {
        TerminalMap(map: map, width: width, style: .plain, alphabet: .unicode).text()
    }

    @Test func longNamesAreShownWhole() throws {
        let name = "frame buffer of the second display controller"
        let title = "a-cell-with-a-name-of-31-letters"
        let cell = MemoryMap.Cell(
            file: "a.toml",
            descriptor: CellDescriptor(
                name: String(title.prefix(31)), cpus: CPUSet([0, 2, 4, 6, 8, 10, 12, 14]),
                memoryRegions: [MemoryRegion(name: name, size: 0x80_0000, flags: [.read])]))
        let text = terminal(MemoryMap(system: nil, cells: [cell], remarks: []), width: 60)
        for word in name.split(separator: " ") { #expect(text.contains(word), "\(text)") }
        #expect(!text.contains("…"), "\(text)")
        let svg = SVGMap(MemoryMap(system: nil, cells: [cell], remarks: [])).text()
        let width = try #require(svg.firstMatch(of: #/viewBox="0 0 (\d+) /#).flatMap { Int($0.1) })
        #expect(width > 24 + SVG.width(of: "Cell \(title), CPU 0,2,4,6,8,10,12,14, as it sees memory", size: 15))
    }

    /// A word that has no room is cut, and listed, but not torn in two.
    @Test func wordsAreNotTorn() {
        let cells = (0..<4).map { index in
            MemoryMap.Cell(
                file: "\(index).toml",
                descriptor: CellDescriptor(
                    name: "cell\(index)",
                    memoryRegions: [
                        MemoryRegion(
                            name: "interconnectedness of things", physicalStart: 0x3a00_0000, size: 0x80_0000,
                            flags: [.read])
                    ]), images: [])
        }
        let text = terminal(MemoryMap(system: nil, cells: cells, remarks: []), width: 60)
        #expect(text.contains(" inter… ") && text.contains("  cell3: interconnectedness of things"), "\(text)")
        for line in text.split(separator: "\n") where line.contains("to scale") || line.contains("drawn") {
            #expect(line.count <= 60, "\(line)")
        }
    }

    /// A name of a cell has hyphens, where it is broken.
    @Test func longNamesAreBrokenBehindHyphens() {
        let cells = (0..<2).map { index in
            MemoryMap.Cell(
                file: "\(index).toml",
                descriptor: CellDescriptor(
                    name: "a-board-linux-demo-\(index)",
                    memoryRegions: [
                        MemoryRegion(name: "ram", physicalStart: 0x3a00_0000, size: 0x80_0000, flags: [.read]),
                        MemoryRegion(name: "b", physicalStart: 0x3a20_0000, size: 0x1000, flags: [.read]),
                    ]), images: [])
        }
        let text = terminal(MemoryMap(system: nil, cells: cells, remarks: []), width: 60)
        #expect(text.contains("│ board-   │ board-   │") && text.contains("│ 0:       │ 1:"), "\(text)")
    }

    /// `PCI devices, be…` and `PCI devices, be…`: below the HPET, and behind it.
    @Test func cutNamesAreListedWhole() {
        let regions = ["registers of the first controller", "registers of the second controller"].enumerated().map {
            MemoryRegion(name: $1, physicalStart: 0x3a00_0000 + UInt64($0) * 0x1000, size: 0x1000, flags: [.read])
        }
        let cells = (0..<3).map { index in
            MemoryMap.Cell(
                file: "\(index).toml", descriptor: CellDescriptor(name: "cell\(index)", memoryRegions: regions),
                images: [])
        }
        let map = MemoryMap(system: nil, cells: cells, remarks: [])
        let text = terminal(map, width: 60)
        #expect(text.contains("\nwhole names:\n 0x3a000000  "), "\(text)")
        for region in regions {
            #expect(text.contains("registers of the \(region.name.split(separator: " ")[3])"), "\(text)")
        }
        let svg = SVGMap(map).text()
        for region in regions { #expect(svg.contains(">\(region.name)<") || svg.contains(region.name), "\(svg)") }
    }

    /// Entries near each other, at the end of what is drawn, are all shown, each on a line of its own.
    @Test func marksDoNotCollide() throws {
        let images = (0..<5).map {
            MemoryMap.Image(
                file: "\($0).exe", parts: [.init(name: "", start: 0xf000 + UInt64($0) * 0x100, size: 0x100)],
                entry: 0xffe0 + UInt64($0))
        }
        let cell = MemoryMap.Cell(
            file: "a.toml",
            descriptor: CellDescriptor(
                name: "a", memoryRegions: [MemoryRegion(name: "ram", size: 0x1_0000, flags: [.read])]),
            images: images)
        let map = MemoryMap(system: nil, cells: [cell], remarks: [])
        let lines = terminal(map).split(separator: "\n").filter { $0.contains("◂ entry") }
        #expect(lines.count == 5, "\(terminal(map))")
        let svg = SVGMap(map).text()
        let places = svg.matches(of: #/y="(\d+)">entry/#).compactMap { Int($0.1) }
        #expect(Set(places).count == 5)
        #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= 16 }, "\(places)")
    }

    @Test func linuxDoesNotShareWithItself() {
        let shared = MemoryRegion(name: "link", physicalStart: 0x1000, size: 0x1000, flags: [.read, .rootShared])
        let system = SystemDescriptor(rootCell: CellDescriptor(name: "root", memoryRegions: [shared]))
        let cell = MemoryMap.Cell(file: "a", descriptor: CellDescriptor(name: "a", memoryRegions: [shared]))
        let map = MemoryMap(system: (file: "s", descriptor: system), cells: [cell])
        #expect(
            map.physical.blocks.filter { $0.first == 0x1000 }.map(\.detail) == ["r--", "r-- shared with Linux"])
    }

    /// As `decompile` names them, in the map as in what `check` says.
    @Test func regionsOfCompiledFilesHaveNames() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let machine = SystemDescriptor(
            hypervisorMemory: MemoryRegion(physicalStart: 0x3b00_0000, size: 0x60_0000),
            rootCell: CellDescriptor(
                name: "root", cpus: CPUSet([0]),
                memoryRegions: [
                    MemoryRegion(size: 0x3b00_0000, flags: [.read, .write, .execute, .dma]),
                    MemoryRegion(
                        physicalStart: 0xa000_0000, virtualStart: 0xa000_0000, size: 0x800_0001, flags: [.read, .io]),
                ]))
        let path = directory + "/machine.system"
        try Data(machine.binary()).write(to: URL(fileURLWithPath: path))
        let source = try Executable.run(["decompile", path]).output
        for command in ["map", "check"] {
            let outcome = try Executable.run([command, path])
            #expect(source.contains("name = \"devices\""), "\(source)")
            #expect(outcome.output.contains("devices"), "\(outcome.output)")
        }
    }

    @Test func asciiWhereTheTerminalShowsNothingElse() throws {
        let text = TerminalMap(map: try map("sound.toml"), width: 60, style: .plain, alphabet: .ascii).text()
        #expect(text.utf8.allSatisfy { $0 < 128 })
        try compare(text, with: "map-ascii.txt")
    }

    @Test func svg() throws {
        let svg = SVGMap(try map("sound.toml", "unsound.toml")).text()
        try compare(svg, with: "map.svg")
        #expect(XMLParser(data: Data(svg.utf8)).parse())
        #expect(svg.contains("@media (prefers-color-scheme: dark)"))
    }

    @Test func whatCheckFindsIsInTheMap() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (cell, machine) = (directory + "/cell.toml", Self.golden.path + "/machine.toml")
        let source = try String(contentsOf: Self.golden.appendingPathComponent("unsound.toml"), encoding: .utf8)
        try (source + "[[image]]\npath = \"app.exe\"\n").write(toFile: cell, atomically: true, encoding: .utf8)
        try Data(Self.image).write(to: URL(fileURLWithPath: directory + "/app.exe"))
        let outcome = try Executable.run(["map", machine, cell, "--json"])
        #expect(outcome.status == 0 && outcome.error == "")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        let blocks = try #require((object["cells"] as? [[String: Any]])?.first?["blocks"] as? [[String: Any]])
        #expect(
            blocks.map { $0["kind"] as? String } == ["region", "segment", "communication-region", "region"])
        #expect(blocks[0]["physical"] as? String == "0x3a400000")
        #expect(blocks[1]["name"] as? String == "app.exe")
        let numbers = try #require(blocks[2]["findings"] as? [Int])
        let findings = try #require(object["findings"] as? [[String: Any]])
        #expect(
            findings.contains {
                $0["rule"] as? String == "JH0304" && numbers.contains($0["number"] as? Int ?? 0)
            })
        let checked = try Executable.run(["check", machine, cell])
        #expect(
            checked.output.contains("\nin the map (jailhouse-ctl map \(machine) \(cell)):\n    !1 "),
            "\(checked.output)")
        #expect(checked.output.contains(" unsound: scratch at 0x3e400000\n"))
        let place = "unsound: communication region at 0x900000 as it sees memory"
        #expect(checked.output.contains(place))
        let drawn = try Executable.run(["map", machine, cell], environment: ["LANG": "C.UTF-8", "COLUMNS": "100"])
        #expect(drawn.output.hasPrefix("Physical memory of machine\n"))
        #expect(drawn.output.contains("[JH0304]"))
    }

    @Test func standardInputIsReadOnce() throws {
        let source = try Data(contentsOf: Self.golden.appendingPathComponent("unsound.toml"))
        let machine = Self.golden.path + "/machine.toml"
        let map = try Executable.run(["map", machine, "-", "--json"], input: source)
        #expect(map.output.contains("JH0304") && map.output.contains("0x3a400000"), "\(map)")
        let checked = try Executable.run(["check", machine, "-"], input: source)
        #expect(checked.output.contains("\nin the map (jailhouse-ctl map \(machine) -):\n"), "\(checked)")
        let broken = try Executable.run(["map", "-"], input: Data("cell = 1\n".utf8))
        #expect(broken.error.contains("standard input"), "\(broken)")
    }

    /// In a reader that knows no squeezed text: smaller letters, or more lines.
    @Test func namesFitTheirBoxes() {
        #expect(SVG.lines("ram", width: 150, rows: 1) == (["ram"], 13, true))
        #expect(SVG.lines("a name of some words", width: 100, rows: 2) == (["a name of", "some words"], 13, true))
        let one = SVG.lines("a name of some words", width: 100, rows: 1)
        #expect(one.size == 9 && one.lines.count == 1 && !one.isWhole)
        for text in [String(repeating: "W", count: 100), String(repeating: "long words ", count: 20), "", " ", "Жж"] {
            for rows in 0...3 {
                let (lines, size, _) = SVG.lines(text, width: 120, rows: rows)
                #expect((1...max(rows, 1)).contains(lines.count), "\(lines)")
                #expect(lines.allSatisfy { SVG.width(of: $0, size: size) <= 120 }, "\(lines)")
            }
        }
        #expect(SVG.lines(String(repeating: "x", count: 90), width: 120, rows: 1).lines[0].hasSuffix("…"))
        // not even a letter has room
        #expect(SVG.lines("WW", width: 2, rows: 1).lines.count == 1)
    }

    /// Of the widest letters, too, titles and marks end within the picture.
    @Test(arguments: ["W", "m", "Ж"]) func titlesAreNotCut(letter: String) throws {
        let name = String(repeating: letter, count: letter == "Ж" ? 15 : 31)
        let cell = CellDescriptor(
            name: name, memoryRegions: [MemoryRegion(name: "r", size: 0x1000, flags: [.read, .write, .execute])])
        var member = MemoryMap.Cell(file: "a.toml", descriptor: cell)
        member.accesses = [.init(address: 0x123, size: 4, text: "failed write of the program")]
        let system = SystemDescriptor(rootCell: CellDescriptor(name: name, memoryRegions: cell.memoryRegions))
        let text = SVGMap(MemoryMap(system: ("s.toml", system), cells: [member])).text()
        let width = try #require(text.firstMatch(of: #/viewBox="0 0 ([0-9]+) /#).flatMap { Int($0.1) })
        let all = text.matches(of: #/<text class="(title|mark)" x="([0-9]+)" y="[0-9]+">([^<]*)</#)
        #expect(all.count >= 4)
        for match in all {
            let size = match.1 == "title" ? 15.0 : 11
            // of DejaVu Sans Bold, W and m are the widest Latin letters: 1.1 times their size
            let end = try #require(Double(match.2)) + size * match.3.reduce(0) { $0 + ("Wm".contains($1) ? 1.1 : 0.6) }
            #expect(end <= Double(width), "\(match.0)")
        }
    }

    @Test func colourShowsWhatIsWrong() throws {
        let cell = CellDescriptor(
            name: "a\u{1b}[2J", memoryRegions: [MemoryRegion(name: "r", size: 0x1000, flags: [.read, .write])])
        let remark = MapRemark(
            severity: .error, rule: "JH0201", file: "a.toml", location: "memory[0]", message: "it is wrong")
        let map = MemoryMap(system: nil, cells: [.init(file: "a.toml", descriptor: cell)], remarks: [remark])
        let text = TerminalMap(map: map, width: 80, style: Style(coloured: true), alphabet: .unicode).text()
        #expect(text.contains("\u{1b}[1;31m┌ ✗1 a\\x1b[2J: r "))
        #expect(text.contains("✗1 error\u{1b}[0m a.toml: memory[0]: it is wrong [JH0201]"))
        #expect(SVGMap(map).text().contains("✗") == false)
        #expect(XMLParser(data: Data(SVGMap(map).text().utf8)).parse())
    }

    @Test func whatCannotBeDrawn() throws {
        let machine = Self.golden.path + "/machine.toml"
        let two = try Executable.run(["map", machine, machine])
        #expect(two.status == 64)
        #expect(two.error.contains("a map shows one machine"), "\(two.error)")
        #expect(
            try Executable.run(["map", "/none"]).error
                == "jailhouse-ctl: cannot read /none: No such file or directory\n")
        #expect(try Executable.run(["map", machine, "--width", "12"]).status == 64)
    }

    @Test func linesThatMeet() {
        var canvas = MapCanvas(width: 5, height: 3, .unicode)
        canvas.frame(rows: 0...2, columns: 0...2, nil)
        canvas.frame(rows: 0...1, columns: 2...4, nil)
        #expect(canvas.lines(.plain) == ["┌─┬─┐", "│ ├─┘", "└─┘"])
        var ascii = MapCanvas(width: 3, height: 3, .ascii)
        ascii.frame(rows: 0...2, columns: 0...2, nil)
        #expect(ascii.lines(.plain) == ["+-+", "| |", "+-+"])
    }

    /// A 32-bit x86 executable with one segment of 128 KiB at 0x100000.
    private static var image: [UInt8] {
        func little(_ number: UInt32, _ width: Int = 4) -> [UInt8] {
            (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
        }
        let header =
            [0x7f, 0x45, 0x4c, 0x46, 1, 1, 1] + Array(repeating: UInt8(0), count: 9) + little(2, 2) + little(3, 2)
            + little(1) + little(0x10_000c) + little(52) + little(0) + little(0) + little(52, 2) + little(32, 2)
            + little(1, 2) + little(0, 6)
        let segment: [UInt32] = [1, 84, 0x10_0000, 0x10_0000, 16, 0x2_0000, 7, 4]
        return header + segment.flatMap { little($0) } + Array(repeating: 0x90, count: 16)
    }
}
