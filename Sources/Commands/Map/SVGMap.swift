// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// A map drawn as SVG: the machine at the left, its cells at the right, and bands between what is the same memory.
struct SVGMap {
    private static let bandWidth = 100
    private static let leastWidth = 720
    private static let margin = 24
    private static let titleHeight = 56
    private static let distance = 36
    private static let lineHeight = 18

    private let map: MemoryMap
    private let machine: SVGSpace
    private let cells: [SVGSpace]
    private let legendTop: Int

    init(_ map: MemoryMap) {
        self.map = map
        var wrong = Set<Int>()
        for (index, remark) in map.remarks.enumerated() where remark.severity == .error { wrong.insert(index + 1) }
        let hasMachine = !map.physical.slices.isEmpty
        machine = SVGSpace(map.physical, left: Self.margin, top: Self.titleHeight, wrong: wrong)
        var top = Self.titleHeight
        var placed: [SVGSpace] = []
        for space in map.cells where !space.slices.isEmpty {
            let cell = SVGSpace(
                space,
                left: hasMachine
                    ? max(machine.right + Self.bandWidth, machine.widest + Self.margin) : Self.margin, top: top,
                wrong: wrong)
            placed.append(cell)
            top = cell.bottom + Self.titleHeight
        }
        cells = placed
        legendTop = max(machine.bottom, placed.last?.bottom ?? 0) + Self.distance
    }

    func text() -> String {
        let width = max(([machine] + cells).map(\.widest).max() ?? 0, Self.leastWidth) + Self.margin
        let notes = names(width: width - 2 * Self.margin) + notes(width: width - 2 * Self.margin)
        let height = legendTop + (notes.count + 2) * Self.lineHeight + Self.margin
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" "
                + "height=\"\(height)\" role=\"img\">",
            SVG.element("title", [:], text: map.physical.title),
            "<style>\n\(SVGTheme.styleSheet)</style>",
            SVG.element("rect", ["class": "paper", "width": "\(width)", "height": "\(height)"]),
            SVGTheme.hatching,
        ]
        lines += cells.flatMap(bands)
        lines += ([machine] + cells).flatMap(\.elements)
        lines +=
            legend()
            + notes.enumerated().flatMap { index, note in
                note.elements(left: Self.margin, baseline: legendTop + (index + 2) * Self.lineHeight)
            }
        return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    /// From each region of a cell to the same memory in the machine.
    private func bands(to cell: SVGSpace) -> [String] {
        cell.space.blocks.compactMap { block in
            guard let start = block.physicalStart,
                let source = machine.space.blocks.first(where: { $0.owner == block.owner && $0.first == start })
            else { return nil }
            let from = machine.frame(of: source)
            let to = cell.frame(of: block)
            let (left, right) = (machine.lanesRight, cell.left)
            let middle = (left + right) / 2
            let path =
                "M\(from.right) \(from.top) L\(left) \(from.top) C\(middle) \(from.top) \(middle) \(to.top) "
                + "\(right) \(to.top) L\(to.left) \(to.top) L\(to.left) \(to.bottom) L\(right) \(to.bottom) "
                + "C\(middle) \(to.bottom) \(middle) \(from.bottom) \(left) \(from.bottom) L\(from.right) \(from.bottom) Z"
            return SVG.element("path", ["class": "band \(SVGTheme.name(of: block.owner))", "d": path])
        }
    }

    private func legend() -> [String] {
        let signs: [(MapScale.Fit, String)] = [
            (.toScale, "to scale"), (.shortened, "longer than drawn"), (.enlarged, "shorter than drawn"),
        ]
        return signs.enumerated().flatMap { index, sign in
            let left = Self.margin + index * 150
            return [
                SVGSpace.axis(sign.0, x: left + 4, top: legendTop - 8, bottom: legendTop + 8),
                SVG.text(sign.1, x: left + 16, y: legendTop + 4, "small"),
            ]
        }
    }

    /// The whole names of blocks that had no room for them, as below a map of characters.
    private func names(width: Int) -> [SVGNote] {
        ([machine] + cells).flatMap { space -> [SVGNote] in
            let lines = space.cutBlocks.flatMap { block in
                SVG.wrapped(
                    "\(Text.hexadecimal(block.first)): \(Text.printable(block.name))", size: SVG.nameSize,
                    width: width - 24)
            }
            let title = "whole names, \(Text.printable(space.space.title)):"
            return lines.isEmpty ? [] : ([title] + lines).map { SVGNote(text: $0) }
        }
    }

    private func notes(width: Int) -> [SVGNote] {
        var notes = map.remarks.enumerated().flatMap { index, remark in
            SVGNote.lines(remark, number: index + 1, width: width)
        }
        if !map.otherRemarks.isEmpty {
            let count = Text.count(map.otherRemarks.count, "finding")
            notes.append(SVGNote(text: "\(count) of things that are not in memory: see jailhouse-ctl check"))
        }
        return notes
    }
}

/// A line below the picture.
private struct SVGNote {
    var number: Int?
    var isError = false
    var text: String

    /// A remark, broken into lines.
    static func lines(_ remark: MapRemark, number: Int, width: Int) -> [SVGNote] {
        let place = [remark.file, remark.location].filter { !$0.isEmpty }.joined(separator: ": ")
        let text = "\(place): \(remark.message)" + (remark.rule.map { " [\($0)]" } ?? "")
        return Text.wrapped(text, to: SVG.capacity(of: width - 24, size: 13)).enumerated().map { index, line in
            SVGNote(number: index == 0 ? number : nil, isError: remark.severity == .error, text: line)
        }
    }

    func elements(left: Int, baseline: Int) -> [String] {
        let badge = number.map { SVGSpace.badge($0, isError: isError, x: left + 8, y: baseline - 4) } ?? []
        return badge + [SVG.text(text, x: left + 24, y: baseline, "note")]
    }
}
