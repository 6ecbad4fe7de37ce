// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import ConfigurationRules

/// A map drawn with characters.
struct TerminalMap {
    let map: MemoryMap
    /// In columns.
    let width: Int
    let style: Style
    let alphabet: MapAlphabet

    /// Narrower than this, no name can be read.
    static let leastWidth = 60
    /// Wider boxes are no easier to read.
    private static let greatestLane = 46
    /// A frame with room for the beginning of a name: where many regions overlap, the map is wider than it should be.
    private static let leastLane = 8

    func text() -> String {
        let spaces = ([map.physical] + map.cells).filter { !$0.slices.isEmpty }
        return (spaces.map(draw) + [legend(spaces), remarks()]).filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    private func draw(_ space: AddressSpaceMap) -> String {
        let scale = Self.scale(of: space)
        let addresses = space.slices.map { Text.hexadecimal($0.first) }
        let marks = space.marks.map {
            (
                address: $0.address, isWrong: isWrong($0.remarks),
                text: "\(alphabet.mark) " + numbers($0.remarks) + text(of: $0, in: space)
            )
        }
        let margin = marks.map { Text.columns(of: $0.text) + 1 }.max() ?? 0
        let axis = (addresses + [end(of: space)]).map(\.count).max() ?? 0
        let left = axis + 3
        let room = (max(width, Self.leastWidth) - left - 1 - margin) / max(space.laneCount, 1)
        let lane = min(Self.greatestLane, max(Self.leastLane, room))
        var tops: [Int] = [1]
        for height in scale.heights { tops.append(tops[tops.count - 1] + height.value) }
        // a title may be longer than its lanes, and marks may be crowded at the end
        let titles = space.groups.map { left + $0.lanes.lowerBound * lane + 2 + Text.columns(of: $0.title) }.max() ?? 0
        let rows = Self.rows(of: marks.map(\.address), in: space, scale, tops)
        var canvas = MapCanvas(
            width: max(left + lane * space.laneCount + 1 + margin, titles),
            height: max(tops[tops.count - 1], rows.last ?? 0) + 1, alphabet)

        for group in space.groups {
            canvas.write(group.title, row: 0, column: left + group.lanes.lowerBound * lane + 2, .dim)
        }
        for (index, slice) in space.slices.enumerated() {
            let address = addresses[index]
            canvas.write(address, row: tops[index], column: axis - address.count)
            for row in tops[index]..<tops[index + 1] {
                canvas.write(sign(of: scale.heights[index].fit), row: row, column: axis + 1, .dim)
            }
            if slice.isEmpty {
                canvas.write("nothing for \(slice.sizeText)", row: tops[index] + 1, column: left + 2, .dim)
            }
        }
        canvas.write(end(of: space), row: tops[space.slices.count], column: axis - end(of: space).count)
        for (mark, row) in zip(marks, rows) {
            canvas.write(
                mark.text, row: row, column: left + lane * space.laneCount + 2,
                mark.isWrong ? .red : .bold)
        }
        // what is wrong is drawn last, so that its frame is seen whole
        var cut: [MapBlock] = []
        for block in space.blocks.sorted(by: { !isWrong($0) && isWrong($1) }) {
            let slices = space.slices(of: block)
            let isWhole = draw(
                block, rows: tops[slices.lowerBound]...tops[slices.upperBound],
                columns: left + block.lane * lane...left + (block.lane + 1) * lane, on: &canvas)
            if !isWhole { cut.append(block) }
        }
        let title = style(Text.printable(space.title), .bold)
        return ([title] + canvas.lines(style) + names(of: cut)).joined(separator: "\n")
    }

    /// The whole names of blocks that had no room for them.
    private func names(of blocks: [MapBlock]) -> [String] {
        guard !blocks.isEmpty else { return [] }
        let lines = blocks.sorted { ($0.first, $0.lane) < ($1.first, $1.lane) }.map { block in
            (address: Text.hexadecimal(block.first), name: Text.printable(block.name))
        }
        let width = lines.map(\.address.count).max() ?? 0
        return ["whole names:"]
            + lines.map { String(repeating: " ", count: width - $0.address.count + 1) + $0.address + "  " + $0.name }
    }

    /// Where marks are written: at their addresses, but no two in one row.
    private static func rows(
        of addresses: [UInt64], in space: AddressSpaceMap, _ scale: MapScale, _ tops: [Int]
    ) -> [Int] {
        var last = -1
        return addresses.map { address in
            let index = space.index(of: address)
            last = max(last + 1, tops[index] + scale.offset(of: address, in: space.slices[index], at: index))
            return last
        }
    }

    /// - Returns: whether its whole name is there.
    private func draw(
        _ block: MapBlock, rows: ClosedRange<Int>, columns: ClosedRange<Int>, on canvas: inout MapCanvas
    ) -> Bool {
        let paint: Style.Paint? = isWrong(block) ? .red : Self.paint(of: block)
        canvas.frame(rows: rows, columns: columns, paint)
        let room = columns.count - 4
        let whole = numbers(block.remarks) + Text.printable(block.name)
        // a name that is too long goes on below
        let label = labelLines(whole, room: room - 2, rows: max(rows.count - 2, 0) + 1)
        for (index, line) in label.enumerated() {
            canvas.write(" \(line) ", row: rows.lowerBound + index, column: columns.lowerBound + 1, paint)
        }
        let size = " \(block.sizeText) "
        if Text.columns(of: label[0]) + 2 + size.count <= room {
            canvas.write(size, row: rows.lowerBound, column: columns.upperBound - 1 - size.count, paint)
        }
        let isWhole = label.joined().filter { $0 != " " } == whole.filter { $0 != " " }
        guard rows.count > label.count + 1 else { return isWhole }
        var details = [block.physicalStart.map { "\(alphabet.arrow) \(Text.hexadecimal($0))" } ?? "", block.detail]
        if block.kind == .communicationRegion { details[0] = "of the hypervisor" }
        let text = details.filter { !$0.isEmpty }.joined(separator: "  ")
        if Text.columns(of: text) <= room {
            canvas.write(text, row: rows.lowerBound + label.count, column: columns.lowerBound + 2, .dim)
        } else if details[0].count <= room {
            canvas.write(details[0], row: rows.lowerBound + label.count, column: columns.lowerBound + 2, .dim)
        }
        return isWhole
    }

    /// A label in at most so many lines of whole words; with an ellipsis for what has no room.
    private func labelLines(_ text: String, room: Int, rows: Int) -> [String] {
        if rows == 1 { return [cut(text, to: room)] }
        let lines = Text.wrapped(text, to: room).flatMap { parts(of: $0, to: room) }.map { cut($0, to: room) }
        guard lines.count > rows else { return lines.isEmpty ? [""] : lines }
        let last = Text.prefix(lines[rows - 1], columns: room - 1)
        return lines.prefix(rows - 1) + [last.hasSuffix(alphabet.ellipsis) ? last : last + alphabet.ellipsis]
    }

    /// A word that is too long, broken behind its hyphens.
    private func parts(of word: String, to room: Int) -> [String] {
        guard Text.columns(of: word) > room else { return [word] }
        let pieces = word.split(separator: "-", omittingEmptySubsequences: false)
        var lines: [String] = []
        for (index, piece) in pieces.enumerated() {
            let text = piece + (index + 1 < pieces.count ? "-" : "")
            if let line = lines.last, Text.columns(of: line) + Text.columns(of: text) <= room {
                lines[lines.count - 1] = line + text
            } else {
                lines.append(String(text))
            }
        }
        return lines.filter { !$0.isEmpty }
    }

    private func cut(_ text: String, to room: Int) -> String {
        Text.columns(of: text) <= room ? text : Text.prefix(text, columns: room - 1) + alphabet.ellipsis
    }

    /// What a cell has needs two rows, for its name and a detail, and so does a hole, whose first row is the edge
    /// of what is above it.
    private static func scale(of space: AddressSpaceMap) -> MapScale {
        let detailed = space.blocks.filter { $0.owner != .linux && $0.owner != .platform && $0.kind != .segment }
        let begun = Set(detailed.map(\.first))
        let minimum = space.slices.map { $0.isEmpty || begun.contains($0.first) ? 2 : 1 }
        return MapScale(slices: space.slices, minimum: minimum, maximum: 6, shortened: 3)
    }

    /// With the address, unless the axis has it.
    private func text(of mark: AddressSpaceMap.Mark, in space: AddressSpaceMap) -> String {
        let isEdge = space.slices[space.index(of: mark.address)].first == mark.address
        return isEdge ? mark.text : "\(mark.text) \(Text.hexadecimal(mark.address))"
    }

    private func isWrong(_ block: MapBlock) -> Bool { isWrong(block.remarks) }

    private func isWrong(_ remarks: [Int]) -> Bool {
        remarks.contains { map.remarks[$0 - 1].severity == .error }
    }

    /// `✗1 ✗2 `
    private func numbers(_ remarks: [Int]) -> String {
        remarks.map { alphabet.error + "\($0) " }.joined()
    }

    private func end(of space: AddressSpaceMap) -> String {
        guard let last = space.slices.last?.last else { return "" }
        return last == .max ? "end" : Text.hexadecimal(last + 1)
    }

    private func sign(of fit: MapScale.Fit) -> String {
        switch fit {
        case .toScale: alphabet.toScale
        case .shortened: alphabet.shortened
        case .enlarged: alphabet.enlarged
        }
    }

    private static func paint(of block: MapBlock) -> Style.Paint? {
        switch block.owner {
        case .linux: nil
        case .hypervisor, .platform: .magenta
        case .cell(let index): [.cyan, .green, .blue, .yellow][index % 4]
        }
    }
}

extension TerminalMap {
    private func legend(_ spaces: [AddressSpaceMap]) -> String {
        guard !spaces.isEmpty else { return "" }
        let text =
            "Lengths are to scale where the axis is \(alphabet.toScale); \(alphabet.shortened) is longer than drawn, "
            + "\(alphabet.enlarged) is shorter."
        return Text.wrapped(text, to: max(width, Self.leastWidth)).map { style($0, .dim) }.joined(separator: "\n")
    }

    /// As `check` says them, by the numbers that the boxes have.
    private func remarks() -> String {
        var lines = map.remarks.enumerated().map { index, remark in
            let paint: Style.Paint? = remark.severity == .error ? .red : remark.severity == .warning ? .yellow : nil
            let place = [remark.file, remark.location].filter { !$0.isEmpty }.joined(separator: ": ")
            let head = "\(alphabet.error)\(index + 1) \(remark.severity.rawValue)"
            let text = Text.printable("\(place): \(remark.message)") + (remark.rule.map { " [\($0)]" } ?? "")
            let wrapped = Text.wrapped("\(head) \(text)", to: max(width, Self.leastWidth) - 4)
            let broken = wrapped.joined(separator: "\n    ")
            return style(head, paint) + broken.dropFirst(head.count)
        }
        if !map.otherRemarks.isEmpty {
            let count = Text.count(map.otherRemarks.count, "finding")
            lines += Text.wrapped(
                "\(count) of things that are not in memory: see jailhouse-ctl check", to: max(width, Self.leastWidth))
        }
        return lines.joined(separator: "\n")
    }
}
