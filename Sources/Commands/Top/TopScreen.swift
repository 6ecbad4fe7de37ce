// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// What `top` draws: a frame of lines, none wider than the terminal.
struct TopScreen {
    let width: Int
    let height: Int
    let style: Style
    /// The selected row is drawn in reverse video, which is no colour.
    var marksSelection = true

    /// Lines beside the table's rows: two of the head, the column heads, three of the foot.
    private static let frameHeight = 6

    /// Rows of the table that fit.
    var rowCount: Int { max(1, height - Self.frameHeight) }

    func frame(_ model: TopModel, now: Moment, zone: Moment.Zone = .local) -> [String] {
        guard !model.showsHelp else { return Array(help.prefix(height)) }
        var lines = head(model, now: now, zone: zone)
        let table = tableLines(of: model.rows, now: now)
        lines.append(style(table[0], .bold))
        let shown = model.rows.indices.dropFirst(model.top).prefix(rowCount)
        lines += shown.map { index in
            let row = model.rows[index]
            let isSelected = row.cell.name == model.selected
            return isSelected && marksSelection
                ? "\u{1b}[7m\(padded(table[index + 1]))\u{1b}[0m" : style(table[index + 1], Self.paint(row))
        }
        if model.rows.isEmpty, model.machine != nil { lines.append("no cells: none is defined, and none exists") }
        lines += Array(repeating: "", count: max(0, height - 3 - lines.count))
        return Array((lines + foot(model, now: now)).prefix(height))
    }

    /// The table for a pipe: nothing is cut off.
    static func table(_ rows: [TopRow], now: Moment, style: Style) -> String {
        Table(
            heads: heads,
            rows: rows.map { row in
                zip(entries(row, now: now), heads).map { text, head in
                    Table.Entry(text, head == "CONDITION" ? paint(row) : nil)
                }
            }
        ).text(style)
    }

    // MARK: - Parts

    private func head(_ model: TopModel, now: Moment, zone: Moment.Zone) -> [String] {
        guard let machine = model.machine else { return ["", ""] }
        let state = machine.enabled ? "enabled" : machine.driver ? "disabled" : "no driver"
        var parts = ["Jailhouse \(state)"]
        // what is most urgent must not be cut
        if let lost = LostCPUReport.sentence(about: LostCPUReport.all(of: machine)) { parts.append(lost) }
        parts.append(Text.count(model.rows.count, "cell"))
        if let exits = model.exits { parts.append("\(ExitRates.text(exits)) exits/s") }
        if machine.enabled { parts.append("\(machine.memPoolUsed) of \(machine.memPoolSize) pages used") }
        let order =
            "by \(model.order.rawValue)\(model.isReversed ? ", reversed" : "")\(model.isPaused ? "   PAUSED" : "")"
        let time = String(now.time(zone).prefix(8))
        return [fitted("\(time)  " + parts.joined(separator: ", ")), fitted(order)]
    }

    /// What is known of the selected cell's last failure, and the keys.
    private func foot(_ model: TopModel, now: Moment) -> [String] {
        let row = model.selectedRow
        let failure =
            row.flatMap { row in
                row.lastFailure.map { reason in
                    "\(row.cell.name): \(row.failedAt.map { "\($0.age(now: now)) ago: " } ?? "")\(reason)"
                }
            } ?? row.map { "\($0.cell.name): no failure recorded" } ?? ""
        let reason = Text.wrapped(Text.printable(failure), to: width)
        return [
            fitted(reason.first ?? ""), fitted(reason.dropFirst().joined(separator: " ")),
            style(fitted("q quit  s sort  r reverse  p pause  arrows select  ? help"), .dim),
        ]
    }

    private var help: [String] {
        [
            "Keys", "",
            "q          quit", "s          sort by the next column: name, exits, restarts, age, failure",
            "r          reverse the order", "p, space   pause, and go on", "up, down   select a cell (also k, j)",
            "page up, page down, home, end", "?, h       this help", "",
            "EXITS/S    VM exits a second; BY REASON has the most frequent ones.",
            "           A cell that uses only its own resources has none.",
            "RST        restarts by the daemon", "AGE        since the condition changed",
            "FAILED     since the last failure; the line below the table says why", "", "Any key goes back.",
        ].map(fitted)
    }

    // MARK: - The table

    private static let heads = ["CELL", "CONDITION", "CPUS", "EXITS/S", "RST", "AGE", "FAILED", "BY REASON"]

    private static func entries(_ row: TopRow, now: Moment) -> [String] {
        [
            Text.printable(row.cell.name), Text.printable(row.cell.condition), row.cell.cpuText,
            row.rates.map { ExitRates.text($0.total) } ?? "-", "\(row.cell.restarts)",
            row.since.map { coarse($0, now) } ?? "-", row.failedAt.map { coarse($0, now) } ?? "-",
            row.rates.map { $0.reasons.map { "\($0.name) \(ExitRates.text($0.rate))" }.joined(separator: " ") } ?? "-",
        ]
    }

    /// In its largest unit.
    private static func coarse(_ moment: Moment, _ now: Moment) -> String {
        String(moment.age(now: now).prefix { $0 != " " })
    }

    private static func paint(_ row: TopRow) -> Style.Paint? {
        switch Condition(row.cell.condition) {
        case .bad: .red
        case .changing: .yellow
        case .well, .atRest: nil
        }
    }

    /// The heads and the rows, each as wide as the terminal at most. The reasons get what the others leave; names and
    /// CPUs that are very long are cut off for them.
    private func tableLines(of rows: [TopRow], now: Moment) -> [String] {
        let table = [Self.heads] + rows.map { Self.entries($0, now: now) }
        let numbers: Set = [3, 4, 5, 6]
        var widths = Self.heads.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        let reasons = widths.count - 1
        widths[0] = min(widths[0], max(14, width / 4))
        widths[2] = min(widths[2], max(8, width / 6))
        let used = widths[..<reasons].reduce(0, +) + reasons
        widths[reasons] = max(0, width - used)
        return table.map { line in
            let cells = line.indices.map { column in
                let text = Self.cut(line[column], to: widths[column])
                let space = String(repeating: " ", count: widths[column] - text.count)
                if column == reasons { return text }
                return numbers.contains(column) ? space + text : text + space
            }
            return fitted(cells.joined(separator: " "))
        }
    }

    private static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : width < 2 ? String(text.prefix(width)) : text.prefix(width - 1) + "…"
    }

    private func fitted(_ text: String) -> String { Self.cut(text, to: width) }

    private func padded(_ text: String) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
