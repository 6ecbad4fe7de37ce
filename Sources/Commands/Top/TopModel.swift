// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// What the daemon said at one time.
struct TopSample: Sendable {
    var machine: Manager.Machine
    var cells: [Manager.Cell]
    /// By the cell's name; only of cells that exist.
    var statistics: [String: [Manager.Statistic]] = [:]
    /// The last failure, by the cell's name.
    var failures: [String: Manager.Failure] = [:]
    /// When, on a clock that never jumps.
    var at: ContinuousClock.Instant
}

/// A cell as `top` shows it.
struct TopRow: Encodable {
    let cell: CellRow
    /// Nil until it can be measured.
    @JSON.OrNull var exitsPerSecond: Double?
    let exitsPerSecondByReason: [String: Double]
    @JSON.OrNull var lastFailure: String?
    @JSON.OrNull var lastFailureAt: String?

    let rates: ExitRates?
    let since: Moment?
    let failedAt: Moment?

    private enum CodingKeys: CodingKey {
        case cell, exitsPerSecond, exitsPerSecondByReason, lastFailure, lastFailureAt
    }

    init(_ cell: Manager.Cell, _ rates: ExitRates?, _ failure: Manager.Failure?) {
        self.cell = CellRow(cell)
        self.rates = rates
        since = Moment(known: cell.since)
        failedAt = Moment(known: failure?.at)
        exitsPerSecondByReason = Dictionary((rates?.reasons ?? []).map { ($0.name, $0.rate) }) { first, _ in first }
        exitsPerSecond = rates?.total
        lastFailure = failure?.reason
        lastFailureAt = failedAt?.rfc3339
    }
}

/// The state of `top`: samples and keys go in, rows come out.
struct TopModel {
    enum Order: String, CaseIterable {
        case name, exits, restarts, age, failure
    }

    enum Key: Hashable {
        case up, down, pageUp, pageDown, first, last
        case character(Character)
        case escape
    }

    private(set) var rows: [TopRow] = []
    private(set) var machine: Manager.Machine?
    private(set) var order = Order.name
    private(set) var isReversed = false
    private(set) var isPaused = false
    private(set) var showsHelp = false
    /// The cell's name; it stays selected wherever the order puts it.
    private(set) var selected: String?
    private(set) var exits: Double?
    /// The first row that is shown.
    private(set) var top = 0
    private var last: TopSample?

    /// Takes in a sample; while paused, what is shown stays.
    mutating func take(_ sample: TopSample) {
        defer { last = sample }
        guard !isPaused else { return }
        let seconds = last.map { ($0.at.duration(to: sample.at)) / .seconds(1) } ?? 0
        rows = sample.cells.map { cell in
            let after = sample.statistics[cell.name].map(ExitRates.counters)
            let before = last?.statistics[cell.name].map(ExitRates.counters)
            let rates: ExitRates? =
                if let before, let after { ExitRates(from: before, to: after, seconds: seconds) } else { nil }
            return TopRow(cell, rates, sample.failures[cell.name])
        }
        machine = sample.machine
        let known = rows.compactMap(\.rates?.total)
        exits = known.isEmpty ? nil : known.reduce(0, +)
        sort()
        if selected == nil || !rows.contains(where: { $0.cell.name == selected }) { selected = rows.first?.cell.name }
    }

    /// - Parameter height: rows that fit.
    /// - Returns: false when the user wants to leave.
    mutating func press(_ key: Key, height: Int) -> Bool {
        if showsHelp {
            showsHelp = false
            return true
        }
        switch key {
        case .character("q"), .character("Q"): return false
        case .character("?"), .character("h"): showsHelp = true
        case .character("p"), .character(" "): isPaused.toggle()
        case .character("r"):
            isReversed.toggle()
            sort()
        case .character("s"):
            let all = Order.allCases
            order = all[((all.firstIndex(of: order) ?? 0) + 1) % all.count]
            isReversed = false
            sort()
        case .up, .character("k"): move(by: -1)
        case .down, .character("j"): move(by: 1)
        case .pageUp: move(by: -max(1, height))
        case .pageDown: move(by: max(1, height))
        case .first: move(by: -rows.count)
        case .last: move(by: rows.count)
        default: break
        }
        scroll(height: height)
        return true
    }

    var selectedRow: TopRow? { rows.first { $0.cell.name == selected } }

    /// Brings the selected row into view.
    mutating func scroll(height: Int) {
        let index = rows.firstIndex { $0.cell.name == selected } ?? 0
        let height = max(1, height)
        top = min(max(top, index - height + 1), index)
        top = max(0, min(top, rows.count - height))
    }

    private mutating func move(by distance: Int) {
        guard !rows.isEmpty else { return }
        let index = rows.firstIndex { $0.cell.name == selected } ?? 0
        selected = rows[min(max(0, index + distance), rows.count - 1)].cell.name
    }

    /// What is most worth looking at comes first; cells that are equal stand in the order of their names.
    private mutating func sort() {
        rows.sort { one, other in
            let isBefore: Bool? =
                switch order {
                case .name: nil
                case .exits: Self.descending(one.rates?.total ?? -1, other.rates?.total ?? -1)
                case .restarts: Self.descending(one.cell.restarts, other.cell.restarts)
                case .age: Self.descending(one.since?.microseconds ?? 0, other.since?.microseconds ?? 0)
                case .failure: Self.descending(one.failedAt?.microseconds ?? 0, other.failedAt?.microseconds ?? 0)
                }
            return isBefore.map { $0 != isReversed }
                ?? ((one.cell.name < other.cell.name) != (isReversed && order == .name))
        }
    }

    private static func descending<Value: Comparable>(_ one: Value, _ other: Value) -> Bool? {
        one == other ? nil : one > other
    }
}
