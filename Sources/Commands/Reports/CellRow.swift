// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// A cell as `list` shows it.
struct CellRow: Encodable {
    /// Nil: this machine, or the only one.
    var host: String?
    let name: String
    @JSON.OrNull var id: Int?
    @JSON.OrNull var state: String?
    let condition: String
    let cpus: [Int]
    let failedCpus: [Int]
    let restarts: Int
    @JSON.OrNull var since: String?

    private let sinceMoment: Moment?

    init(_ cell: Manager.Cell) {
        name = cell.name
        id = cell.id
        state = cell.state
        condition = cell.condition
        cpus = cell.cpus
        failedCpus = cell.failedCpus
        restarts = cell.restarts
        sinceMoment = Moment(known: cell.since)
        since = sinceMoment?.rfc3339
    }

    private enum CodingKeys: CodingKey {
        case host, name, id, state, condition, cpus, failedCpus, restarts, since
    }

    static func table(_ cells: [CellRow], now: Moment, zone: Moment.Zone = .local) -> Table {
        // a column that is the same in each row says nothing
        let hasHosts = cells.contains { $0.host != nil }
        return Table(
            heads: (hasHosts ? ["HOST"] : []) + ["CELL", "ID", "STATE", "CONDITION", "CPUS", "RESTARTS", "SINCE"],
            rows: cells.map { cell in
                (hasHosts ? [Table.Entry(cell.host)] : []) + [
                    Table.Entry(cell.name),
                    Table.Entry(cell.id.map { "\($0)" }),
                    Table.Entry(cell.state),
                    Table.Entry(cell.condition, Condition(cell.condition).paint),
                    Table.Entry(cell.cpuText),
                    Table.Entry("\(cell.restarts)"),
                    Table.Entry(cell.sinceMoment?.short(now: now, zone)),
                ]
            })
    }

    /// `2-3`, and those that failed: `2-3 (failed: 3)`.
    var cpuText: String {
        Text.ranges(cpus) + (failedCpus.isEmpty ? "" : " (failed: \(Text.ranges(failedCpus)))")
    }
}
