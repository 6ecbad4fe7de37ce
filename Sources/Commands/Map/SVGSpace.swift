// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// One address space of a map as SVG.
struct SVGSpace {
    struct Frame {
        let left: Int
        let top: Int
        let right: Int
        let bottom: Int
    }

    /// Room for the addresses beside the axis, and for the marks at the right.
    private static let addressWidth = 96
    private static let markWidth = 144
    private static let groupHeight = 20
    /// Longer names go on in a second line, or are written smaller.
    private static let greatestLane = 330
    private static let lineHeight = 15

    let space: AddressSpaceMap
    let left: Int
    private let top: Int
    private let laneWidth: Int
    private let scale: MapScale
    private let tops: [Int]
    private let wrong: Set<Int>

    /// - Parameters:
    ///   - top: of the boxes; the titles are above.
    ///   - wrong: the numbers of the remarks that are errors.
    init(_ space: AddressSpaceMap, left: Int, top: Int, wrong: Set<Int>) {
        self.space = space
        self.left = left
        self.top = top + Self.groupHeight
        self.wrong = wrong
        let names = space.blocks.map {
            SVG.width(of: Text.printable($0.name), size: SVG.nameSize) + 20 * $0.remarks.count + 24
        }
        let least = space.laneCount > 2 ? 160 : 190
        laneWidth = min(max(names.max() ?? 0, least), Self.greatestLane)
        let begun = Set(space.blocks.map(\.first))
        let minimum = space.slices.map { $0.isEmpty ? 26 : begun.contains($0.first) ? 22 : 14 }
        scale = MapScale(slices: space.slices, minimum: minimum, maximum: 160, shortened: 64)
        tops = scale.heights.reduce(into: [self.top]) { $0.append($0[$0.count - 1] + $1.value) }
    }

    var bottom: Int { tops[tops.count - 1] }
    private var lanesLeft: Int { left + Self.addressWidth }
    var lanesRight: Int { lanesLeft + laneWidth * space.laneCount }
    var right: Int {
        // a mark has its sign, its numbers, and its text
        let marks = space.marks.map { 16 + 20 * $0.remarks.count + SVG.width(of: text(of: $0), size: 12) }
        return lanesRight + (marks.max().map { max($0, Self.markWidth) } ?? 0)
    }

    /// With the address, unless the axis has it.
    private func text(of mark: AddressSpaceMap.Mark) -> String {
        let slice = space.slices[space.index(of: mark.address)]
        return slice.first == mark.address ? mark.text : "\(mark.text) \(Text.hexadecimal(mark.address))"
    }

    /// With its titles, which may be longer than what is below them.
    var widest: Int {
        let title = left + SVG.width(of: Text.printable(space.title), size: SVG.titleSize)
        let groups = space.groups.map {
            lanesLeft + $0.lanes.lowerBound * laneWidth + SVG.width(of: $0.title, size: 13)
        }
        return ([right, title] + groups).max() ?? right
    }

    func frame(of block: MapBlock) -> Frame {
        let slices = space.slices(of: block)
        let left = lanesLeft + block.lane * laneWidth
        return Frame(
            left: left, top: tops[slices.lowerBound], right: left + laneWidth - 4, bottom: tops[slices.upperBound])
    }

    var elements: [String] {
        guard !space.slices.isEmpty else { return [] }
        let titles =
            [SVG.text(Text.printable(space.title), x: left, y: top - Self.groupHeight - 10, "title")]
            + space.groups.map {
                SVG.text($0.title, x: lanesLeft + $0.lanes.lowerBound * laneWidth + 2, y: top - 8, "group")
            }
        let isWrong = { (block: MapBlock) in !self.wrong.isDisjoint(with: block.remarks) }
        let blocks = space.blocks.filter { !isWrong($0) } + space.blocks.filter(isWrong)
        return titles + axis + blocks.flatMap { elements(of: $0, isWrong: isWrong($0)) } + collisions + marks
    }

    private func elements(of block: MapBlock, isWrong: Bool) -> [String] {
        let frame = frame(of: block)
        var classes = "block \(SVGTheme.name(of: block.owner))"
        if block.kind == .segment { classes += " loaded" }
        if block.kind == .communicationRegion { classes += " communication" }
        if isWrong { classes += " wrong" }
        let range = "\(Text.hexadecimal(block.first))–\(Text.hexadecimal(block.last))"
        let about = [block.name, range, block.sizeText, block.detail].filter { !$0.isEmpty }.joined(separator: ", ")
        var elements = [
            "<g>", SVG.element("title", [:], text: about),
            SVG.element(
                "rect",
                [
                    "class": classes, "x": "\(frame.left)", "y": "\(frame.top + 1)", "rx": "3",
                    "width": "\(frame.right - frame.left)", "height": "\(frame.bottom - frame.top - 2)",
                ]),
        ]
        let baseline = frame.top + 16
        for (index, number) in shownRemarks(of: block).enumerated() {
            elements += Self.badge(
                number, isError: wrong.contains(number), x: frame.left + 14 + 20 * index, y: frame.top + 11)
        }
        let (x, room) = place(ofName: block)
        let (lines, letters, _) = name(of: block)
        for (row, line) in lines.enumerated() {
            elements.append(
                SVG.element(
                    "text",
                    [
                        "class": "name", "x": "\(x)", "y": "\(baseline + row * Self.lineHeight)",
                        "style": "font-size: \(letters)px",
                    ], text: line))
        }
        let size = SVG.width(of: block.sizeText, size: 11) + 8
        if lines.count == 1, SVG.width(of: lines[0], size: letters) + size <= room {
            elements.append(SVG.text(block.sizeText, x: frame.right - 8, y: baseline, "size"))
        }
        let detailLine = baseline + 1 + lines.count * Self.lineHeight
        if detailLine + 6 <= frame.bottom {
            let detail =
                block.kind == .communicationRegion ? "of the hypervisor, \(block.detail)" : block.detail
            elements.append(
                SVG.text(
                    SVG.fitted(detail, size: 12, width: frame.right - frame.left - 16), x: frame.left + 8,
                    y: detailLine, "detail"))
        }
        return elements + ["</g>"]
    }

    /// As many as there is room for beside the name.
    private func shownRemarks(of block: MapBlock) -> ArraySlice<Int> {
        let frame = frame(of: block)
        return block.remarks.prefix(max(1, (frame.right - frame.left - 70) / 20))
    }

    private func place(ofName block: MapBlock) -> (x: Int, room: Int) {
        let frame = frame(of: block)
        let x = frame.left + 8 + 20 * shownRemarks(of: block).count
        return (x, frame.right - 8 - x)
    }

    private func name(of block: MapBlock) -> (lines: [String], size: Int, isWhole: Bool) {
        let frame = frame(of: block)
        return SVG.lines(
            Text.printable(block.name), width: place(ofName: block).room,
            rows: (frame.bottom - frame.top - 7) / Self.lineHeight)
    }

    /// The blocks whose names have no room in their boxes, in the order of their addresses.
    var cutBlocks: [MapBlock] {
        space.slices.isEmpty ? [] : space.blocks.filter { !name(of: $0).isWhole }
    }

    /// Where boxes lie over each other, and one of them is said to be wrong.
    private var collisions: [String] {
        space.overlaps.compactMap { one, other in
            let pair = [space.blocks[one], space.blocks[other]]
            guard pair.contains(where: { !wrong.isDisjoint(with: $0.remarks) }) else { return nil }
            let frames = pair.map(frame)
            let (top, bottom) = (max(frames[0].top, frames[1].top), min(frames[0].bottom, frames[1].bottom))
            let (left, right) = (min(frames[0].left, frames[1].left), max(frames[0].right, frames[1].right))
            return SVG.element(
                "rect",
                [
                    "fill": "url(#hatching)", "fill-opacity": "0.45", "x": "\(left)", "y": "\(top + 1)",
                    "width": "\(right - left)", "height": "\(bottom - top - 2)",
                ])
        }
    }

    private var axis: [String] {
        let x = lanesLeft - 12
        var elements: [String] = []
        for (index, slice) in space.slices.enumerated() {
            elements.append(Self.axis(scale.heights[index].fit, x: x, top: tops[index], bottom: tops[index + 1]))
            elements.append(SVG.text(Text.hexadecimal(slice.first), x: x - 8, y: tops[index] + 4, "address"))
            if slice.isEmpty {
                elements.append(
                    SVG.text(
                        "nothing for \(slice.sizeText)", x: lanesLeft + 8, y: (tops[index] + tops[index + 1]) / 2 + 4,
                        "small"))
            }
        }
        if let last = space.slices.last?.last {
            let end = last == .max ? "end" : Text.hexadecimal(last + 1)
            elements.append(SVG.text(end, x: x - 8, y: bottom + 4, "address"))
        }
        return elements
    }

    /// Where marks are written: at their addresses, or as near as they can be without lying over each other or over what is
    /// below the picture.
    private var markLines: [Int] {
        var y = 0
        var lines = space.marks.map { mark in
            let index = space.index(of: mark.address)
            y = max(y + 16, tops[index] + scale.offset(of: mark.address, in: space.slices[index], at: index) + 4)
            return y
        }
        var limit = bottom + 4
        for index in lines.indices.reversed() {
            lines[index] = min(lines[index], limit)
            limit = lines[index] - 16
        }
        return lines
    }

    private var marks: [String] {
        zip(space.marks, markLines).flatMap { mark, y in
            let badges = mark.remarks.enumerated().flatMap { place, number in
                Self.badge(number, isError: wrong.contains(number), x: lanesRight + 24 + 20 * place, y: y - 4)
            }
            let x = lanesRight + (badges.isEmpty ? 14 : 16 + 20 * mark.remarks.count)
            return [SVG.text("◂", x: lanesRight + 4, y: y, "mark")] + badges + [
                SVG.text(text(of: mark), x: x, y: y, "mark")
            ]
        }
    }

    /// A piece of an axis; broken where what is there is longer than drawn.
    static func axis(_ fit: MapScale.Fit, x: Int, top: Int, bottom: Int) -> String {
        let middle = (top + bottom) / 2
        let path =
            fit == .shortened
            ? "M\(x) \(top) V\(middle - 5) l-4 2.5 l8 5 l-4 2.5 V\(bottom)" : "M\(x) \(top) V\(bottom)"
        return SVG.element("path", ["class": fit == .enlarged ? "axis few" : "axis", "d": path])
    }

    /// The number of a remark.
    static func badge(_ number: Int, isError: Bool, x: Int, y: Int) -> [String] {
        [
            SVG.element(
                "circle", ["class": isError ? "badge alarm" : "badge", "cx": "\(x)", "cy": "\(y)", "r": "8"]),
            SVG.text("\(number)", x: x, y: y + 4, "number"),
        ]
    }
}
