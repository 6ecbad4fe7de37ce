// SPDX-License-Identifier: Apache-2.0

import ControlInterface

/// The daemon's word for a cell, sorted by what it means to a person.
enum Condition: Int {
    case well, bad, changing, atRest

    init(_ word: String) {
        self =
            switch word {
            case "running", "foreign": .well
            case "degraded", "silent", "failed", "gave-up": .bad
            case "created", "starting", "stopping", "backing-off": .changing
            default: .atRest
            }
    }

    var paint: Style.Paint? {
        switch self {
        case .well: .green
        case .changing: .yellow
        case .bad: .red
        case .atRest: nil
        }
    }

    /// The mark in front of a report, as systemctl has it.
    var bullet: String {
        switch self {
        case .well, .changing: "●"
        case .bad: "×"
        case .atRest: "○"
        }
    }
}

extension Manager.Cell {
    /// Of `status`, if it is not 0.
    var exitStatus: CommandFailure.Status? {
        if !runs { return .notRunning }
        // the hypervisor says that a cell runs as long as one of its CPUs does, whoever made the cell
        if condition == "degraded" || !failedCpus.isEmpty { return .degraded }
        return condition == "silent" ? .silent : nil
    }

    /// Whether its program executes, as far as is known.
    var runs: Bool {
        switch condition {
        case "running", "degraded", "silent": true
        case "foreign": state == "running" || state == "running/locked"
        default: false
        }
    }
}
