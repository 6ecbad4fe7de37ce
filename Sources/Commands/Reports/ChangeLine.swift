// SPDX-License-Identifier: Apache-2.0

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

    /// `08:41:12.345  rtems  running → backing-off`, or with what else happened after the name.
    func text(_ style: Style, zone: Moment.Zone = .local) -> String {
        let condition = style(Text.printable(cell.condition), Condition(cell.condition).paint)
        let transition = previous.map { "\($0) → \(cell.condition)" } ?? cell.condition
        let showsCondition = previous != nil || ["current", "condition"].contains(kind)
        var parts = [style(moment.time(zone), .dim), Text.printable(cell.name)]
        if showsCondition { parts.append((previous.map { Text.printable($0) + " → " } ?? "") + condition) }
        if !message.isEmpty && !(showsCondition && message == transition) { parts.append(Text.printable(message)) }
        if !showsCondition && message.isEmpty { parts.append(Text.printable(kind)) }
        if missed > 0 { parts.append(style("(\(Text.count(missed, "change")) missed before this)", .yellow)) }
        return parts.joined(separator: "  ")
    }
}
