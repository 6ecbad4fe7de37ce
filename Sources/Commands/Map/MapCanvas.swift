// SPDX-License-Identifier: Apache-2.0

/// Characters and lines on a grid. Lines that meet become the right corner or crossing.
struct MapCanvas {
    /// The directions in which lines leave a place on the grid.
    private struct Line: OptionSet {
        let rawValue: UInt8
        static let up = Line(rawValue: 1)
        static let down = Line(rawValue: 2)
        static let left = Line(rawValue: 4)
        static let right = Line(rawValue: 8)
    }

    private struct Place {
        var line: Line = []
        var character: Character?
        var paint: Style.Paint?
        /// The second column of the character before.
        var isContinued = false
    }

    let width: Int
    private let alphabet: MapAlphabet
    private var rows: [[Place]]

    init(width: Int, height: Int, _ alphabet: MapAlphabet) {
        self.width = width
        self.alphabet = alphabet
        rows = Array(repeating: Array(repeating: Place(), count: width), count: height)
    }

    /// The frame of a rectangle; the last row and column belong to it.
    mutating func frame(rows: ClosedRange<Int>, columns: ClosedRange<Int>, _ paint: Style.Paint?) {
        for row in [rows.lowerBound, rows.upperBound] {
            for column in columns {
                let line: Line =
                    column == columns.lowerBound ? .right : column == columns.upperBound ? .left : [.left, .right]
                add(line, row, column, paint)
            }
        }
        for column in [columns.lowerBound, columns.upperBound] {
            for row in rows {
                let line: Line = row == rows.lowerBound ? .down : row == rows.upperBound ? .up : [.up, .down]
                add(line, row, column, paint)
            }
        }
    }

    private mutating func add(_ line: Line, _ row: Int, _ column: Int, _ paint: Style.Paint?) {
        guard rows.indices.contains(row), (0..<width).contains(column) else { return }
        rows[row][column].line.formUnion(line)
        if rows[row][column].paint == nil || paint == .red { rows[row][column].paint = paint }
    }

    /// Text over whatever is there; what is beyond the edge is left out.
    mutating func write(_ text: String, row: Int, column: Int, _ paint: Style.Paint? = nil) {
        guard rows.indices.contains(row) else { return }
        var column = column
        for character in text {
            let columns = Text.columns(of: character)
            // what has no column of its own is not drawn
            guard columns > 0 else { continue }
            if column >= 0, column + columns <= width {
                put(character, columns: columns, row: row, column: column, paint)
            }
            column += columns
        }
    }

    private mutating func put(_ character: Character, columns: Int, row: Int, column: Int, _ paint: Style.Paint?) {
        // of a wide character no half is left
        if rows[row][column].isContinued { rows[row][column - 1].character = " " }
        let next = column + columns
        if next < width, rows[row][next].isContinued {
            rows[row][next].isContinued = false
            rows[row][next].character = " "
        }
        for place in column..<next {
            rows[row][place].character = place == column ? character : " "
            rows[row][place].isContinued = place != column
            rows[row][place].paint = paint
        }
    }

    /// One line of text a row, painted, without spaces at the end.
    func lines(_ style: Style) -> [String] {
        rows.map { row in
            let cells = row.filter { !$0.isContinued }.map {
                (character: $0.character ?? alphabet.line($0.line.rawValue), paint: $0.paint)
            }
            let end = (cells.lastIndex { $0.character != " " } ?? -1) + 1
            var line = ""
            var run = ""
            var paint: Style.Paint?
            for cell in cells[..<end] {
                if cell.character != " ", cell.paint != paint {
                    line += style(run, paint)
                    (run, paint) = ("", cell.paint)
                }
                run.append(cell.character)
            }
            return line + style(run, paint)
        }
    }
}

/// The characters of a map: Unicode's where the terminal shows them.
struct MapAlphabet {
    /// By the bits of the lines that meet there: up, down, left, right.
    private let lines: [Character]
    let shortened: String
    let enlarged: String
    let toScale: String
    let ellipsis: String
    let arrow: String
    let mark: String
    let error: String

    static let unicode = MapAlphabet(
        lines: Array(" ││││┘┐┤│└┌├─┴┬┼").enumerated().map { $0.offset == 4 || $0.offset == 8 ? "─" : $0.element },
        shortened: "≈", enlarged: "┊", toScale: "│", ellipsis: "…", arrow: "→", mark: "◂", error: "✗")
    static let ascii = MapAlphabet(
        lines: Array(" |||-+++-+++-+++"), shortened: "~", enlarged: ":", toScale: "|", ellipsis: "~", arrow: "->",
        mark: "<", error: "!")

    func line(_ bits: UInt8) -> Character { lines[Int(bits)] }
}
