// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import ControlInterface
import JailhouseInterface
import Supervision

/// What the daemon knows of a cell besides its life: its definition and its failures.
struct ManagedCell {
    let name: String
    /// Nil for a foreign cell, and for one whose definition cannot be used.
    var definition: CellDefinition?
    /// Where the definition stands, usable or not.
    var definitionPath: String?
    /// Why the definition cannot be used.
    var problem: String?
    /// Its configuration has changed since the cell that is there was created.
    var isOutdated = false
    /// What its images were when they were judged.
    var images = JudgedImages()
    /// Of its life: what ``Silence/seen`` says.
    var seen: String?
    /// The last lines of its Linux, as whoever reported its end says; none: they are not known.
    var lastWords: [String] = []
    /// Before the latest look; nil: it has no liveness rule, or is not up.
    var lastSign: Silence.LastSign?
    /// Newest last.
    var failures: [FailureRecord] = []

    /// What its condition has become, and when, since the daemon was started. Newest last.
    private(set) var history: [Manager.Transition] = []

    private static let transitionsKept = 64

    init(_ name: String) {
        self.name = name
    }

    /// - Parameter time: µs since 1970.
    mutating func note(_ condition: Condition, at time: Int) {
        history.append(Manager.Transition(at: time, condition: condition.rawValue))
        if history.count > Self.transitionsKept { history.removeFirst() }
    }

    init(_ definition: CellDefinition, _ loaded: LoadedDefinitions, _ failures: [String: [FailureRecord]]) {
        name = definition.name
        self.definition = definition
        definitionPath = definition.path
        images = loaded.images[name] ?? JudgedImages()
        self.failures = failures[name] ?? []
    }

    mutating func keep(_ record: FailureRecord) {
        failures.append(record)
        if failures.count > FailureRecord.kept { failures.removeFirst() }
    }

    mutating func forgetDefinition() {
        (definition, definitionPath, problem, isOutdated) = (nil, nil, nil, false)
    }
}

extension CellDefinition {
    var supervised: Supervised {
        let handshake: Handshake =
            if descriptor.isPassive {
                .passive
            } else if descriptor.canFreezeRootCell {
                .unbounded(accepted: acceptsUnboundedHandshake)
            } else {
                .bounded
            }
        return Supervised(policy: policy, handshake: handshake)
    }
}

extension FleetDefinition {
    init(_ definition: CellDefinition) {
        self.init(definition.supervised, dependencies: definition.dependencies)
    }
}
