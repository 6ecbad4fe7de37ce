// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules
import FoundationXML
import Foundation
import Testing

@testable import Commands

struct MapNamesTests {
    private func terminal(_ map: MemoryMap, width: Int = 80) -> String {
        TerminalMap(map: map, width: width, style: .plain, alphabet: .unicode).text()
    }

    /// What has no room in a picture's box is below the picture, each with its address.
    @Test func cutNamesAreListedBelowAPicture() throws {
        let owner = "a-cell-with-a-name-of-31-letter"
        let regions = (0..<3).map {
            MemoryRegion(
                name: "a register of the \($0 + 1). controller, which has a title that no box has room for",
                physicalStart: 0x900_0000 + UInt64($0) * 0x10, size: 0x10, flags: [.read, .io])
        }
        let cell = MemoryMap.Cell(file: "a.toml", descriptor: CellDescriptor(name: owner, memoryRegions: regions))
        let svg = SVGMap(MemoryMap(system: nil, cells: [cell], remarks: [])).text()
        #expect(svg.contains("…</text>"), "\(svg)")
        #expect(svg.contains(">whole names, Physical memory:<"), "\(svg)")
        let texts = svg.matches(of: #/class="note"[^>]*>([^<]*)</#).map { String($0.1) }
        let below = texts.joined(separator: " ")
        for region in regions {
            #expect(below.contains("\(Text.hexadecimal(region.physicalStart)): \(owner): \(region.name)"), "\(below)")
        }
        #expect(XMLParser(data: Data(svg.utf8)).parse())
        let places = svg.matches(of: #/class="note" x="\d+" y="(\d+)"/#).compactMap { Int($0.1) }
        #expect(Set(places).count == texts.count && texts.count > 3)
        let height = try #require(svg.firstMatch(of: #/viewBox="0 0 \d+ (\d+)/#).flatMap { Int($0.1) })
        #expect(places.allSatisfy { $0 < height })
    }

    /// A terminal counts columns, not characters.
    @Test(arguments: ["中文", "ｆｕｌｌ", "e\u{301}te\u{301}", "한국어", "zero\u{200b}width", "🇨🇭 flag"])
    func namesOfAnyScriptKeepTheFrame(name: String) {
        let regions = [name, String(repeating: name, count: 30)].enumerated().map {
            MemoryRegion(name: $1, physicalStart: 0x3a00_0000 + UInt64($0) * 0x1000, size: 0x1000, flags: [.read])
        }
        let cell = MemoryMap.Cell(file: "a.toml", descriptor: CellDescriptor(name: "a", memoryRegions: regions))
        let text = terminal(MemoryMap(system: nil, cells: [cell], remarks: []), width: 60)
        let frames = text.split(separator: "\n").prefix { !$0.hasPrefix("Cell") }.filter {
            "┐┤┘│".contains($0.last ?? " ")
        }
        #expect(frames.count == 5, "\(text)")
        #expect(Set(frames.map { Text.columns(of: $0) }).count == 1, "\(text)")
    }

    @Test func columnsOfText() {
        let texts: [(String, Int)] = [
            ("", 0), ("abc", 3), ("中文", 4), ("e\u{301}", 1), ("한", 2), ("\u{1112}\u{1161}\u{11ab}", 2), ("Ａ", 2),
            ("…", 1),
            ("│", 1), ("\u{301}", 0), ("\u{200b}", 0), ("🇨🇭", 2), ("👩\u{200d}🚀", 2), ("ü", 1), ("\u{3fffd}", 2),
        ]
        for (text, columns) in texts { #expect(Text.columns(of: text) == columns, "\(text)") }
        #expect(Text.prefix("中文x", columns: 3) == "中")
        #expect(Text.wrapped("中文 中文 ab", to: 7) == ["中文", "中文 ab"])
    }
}
