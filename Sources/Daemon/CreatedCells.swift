// SPDX-License-Identifier: Apache-2.0

import CellDefinition
import FoundationEssentials
import Hypervisor
import Supervision

/// The configurations with which the existing cells were created. A definition can be changed or removed while its cell
/// exists; what the cell has stays as it was created.
struct CreatedCells: Hashable, Sendable {
    /// By the cell's name.
    private(set) var cells: [String: CreatedCell] = [:]
    /// How often ``cells`` has changed.
    private(set) var changes = 0

    init() {}

    /// - Parameter records: of an earlier daemon, by the cell's name. One that cannot be read is left out.
    init(_ records: [String: CreatedCell.Record]) {
        cells = records.compactMapValues(CreatedCell.init)
    }

    /// For a successor; nil when there is nothing to keep.
    var records: [String: CreatedCell.Record]? {
        cells.isEmpty ? nil : cells.mapValues(\.record)
    }

    /// What the cell of this name was created with.
    ///
    /// - Parameter sighting: what was seen of the cell; nil when that is not known: it may still be the same.
    func definition(of name: String, _ sighting: Sighting?) -> CellDefinition? {
        guard let cell = cells[name] else { return nil }
        switch sighting {
        case .present(let seen): return cell.isOf(seen) ? cell.definition : nil
        case nil: return cell.definition
        default: return nil
        }
    }

    /// A create is about to be given to the driver.
    mutating func begin(_ definition: CellDefinition) {
        set(definition.name, CreatedCell(definition, isUnderWay: true))
    }

    /// A create has come to its end.
    mutating func end(_ name: String, _ sighting: Sighting?) {
        guard var cell = cells[name], cell.isUnderWay else { return }
        cell.isUnderWay = false
        set(name, cell)
        take(name, sighting)
    }

    /// Takes a cell that exists for one of this definition, unless it is known what it was created with.
    mutating func assume(_ definition: CellDefinition, _ seen: Observation) {
        guard cells[definition.name] == nil else { return }
        var cell = CreatedCell(definition)
        cell.seen = CreatedCell.Seen(seen)
        set(definition.name, cell)
    }

    /// Forgets cells that are gone or were replaced, and notes which cell a create has made.
    mutating func take(_ view: HypervisorView) {
        for name in cells.keys { take(name, view.sighting(of: name)) }
    }

    private mutating func take(_ name: String, _ sighting: Sighting?) {
        guard let sighting, var cell = cells[name], !cell.isUnderWay else { return }
        guard case .present(let seen) = sighting, cell.isOf(seen) else { return set(name, nil) }
        guard cell.seen == nil else { return }
        cell.seen = CreatedCell.Seen(seen)
        set(name, cell)
    }

    private mutating func set(_ name: String, _ cell: CreatedCell?) {
        cells[name] = cell
        changes += 1
    }
}

/// What one cell was created with.
struct CreatedCell: Hashable, Sendable {
    /// Which cell it is: see ``Observation/isSameCell(as:)``.
    struct Seen: Hashable, Sendable, Codable {
        var id: Int
        var incarnation: UInt64?

        init(_ observation: Observation) {
            (id, incarnation) = (observation.id, observation.incarnation)
        }
    }

    /// A successor knows only its hardware and the errors that it accepts.
    let definition: CellDefinition
    /// Nil until it has been seen.
    var seen: Seen?
    /// The driver has not answered its create yet.
    var isUnderWay = false

    init(_ definition: CellDefinition, isUnderWay: Bool = false) {
        self.definition = definition
        self.isUnderWay = isUnderWay
    }

    func isOf(_ observation: Observation) -> Bool {
        guard let seen else { return true }
        return observation.isSameCell(
            as: Observation(id: seen.id, incarnation: seen.incarnation, state: observation.state))
    }
}

extension CreatedCell {
    /// In the state file.
    struct Record: Hashable, Sendable, Codable {
        /// Of the definition.
        var path: String
        /// A compiled configuration.
        var configuration: Data
        /// By the rule's id, with the reason; nil: none.
        var accepted: [String: String]?
        var seen: Seen?
    }

    init?(_ record: Record) {
        guard
            let definition = try? CellDefinition(
                created: Array(record.configuration), path: record.path, accepted: record.accepted ?? [:])
        else { return nil }
        self.init(definition)
        seen = record.seen
    }

    var record: Record {
        Record(
            path: definition.path, configuration: Data(definition.configurationWithArchitecture),
            accepted: definition.accepted.isEmpty ? nil : definition.accepted, seen: seen)
    }
}
