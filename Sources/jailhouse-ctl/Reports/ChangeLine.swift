import ControlInterface

/// A change of a cell as `watch` and `attach` show it: one line.
struct ChangeLine: Encodable {
    let at: String
    let kind: String
    let cell: CellRow
    @JSON.OrNull var previous: String?
    let message: String
    let missed: Int

    private let moment: Moment

    private enum CodingKeys: CodingKey {
        case at, kind, cell, previous, message, missed
    }

    init(_ change: Manager.Change) {
        moment = Moment(microseconds: change.at)
        at = moment.rfc3339
        kind = change.kind
        cell = CellRow(change.cell)
        previous = change.previous
        message = change.message
        missed = change.missed
    }

    /// `08:41:12.345  rtems  running -> failed  what happened`
    func text(_ style: Style, zone: Moment.Zone = .local) -> String {
        let condition = style(Text.printable(cell.condition), Condition(cell.condition).paint)
        let what =
            switch (kind, previous) {
            case ("condition", let previous?): "\(Text.printable(previous)) -> \(condition)"
            case ("condition", nil), ("current", _): condition
            default: Text.printable(kind)
            }
        var line = "\(style(moment.time(zone), .dim))  \(Text.printable(cell.name))  \(what)"
        if !message.isEmpty { line += "  \(Text.printable(message))" }
        if missed > 0 { line += style("  (\(Text.count(missed, "change")) missed before this)", .yellow) }
        return line
    }
}
