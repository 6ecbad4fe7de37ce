// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import FoundationEssentials
import Hypervisor
import Supervision

/// The system configuration with which this daemon, or an earlier one, enabled the hypervisor. Another one can be
/// configured since, or the same file have other contents.
struct SystemInForce: Sendable {
    /// Nil when it is not known.
    private(set) var source: SystemSource?
    /// How often what a successor is to know has changed.
    private(set) var changes = 0
    /// Which time it is that the hypervisor is enabled: see ``HypervisorView/enabledIncarnation``; nil: not seen yet.
    private var incarnation: UInt64?
    /// The driver has not answered its enable yet.
    private var isUnderWay = false
    /// The time for which it was said that it is not known.
    private var said: UInt64?

    /// In the state file.
    struct Record: Hashable, Sendable, Codable {
        var path: String
        /// A compiled configuration.
        var configuration: Data
        var incarnation: UInt64?
    }

    init() {}

    /// - Parameter record: of an earlier daemon. One that cannot be read counts as none.
    init(_ record: Record?) {
        guard let record,
            case .system(let system) = try? ConfigurationFile(
                contents: Array(record.configuration), path: record.path)
        else { return }
        source = SystemSource(path: record.path, descriptor: system)
        incarnation = record.incarnation
    }

    /// For a successor.
    var record: Record? {
        guard let source, let configuration = try? source.descriptor.binary() else { return nil }
        return Record(path: source.path, configuration: Data(configuration), incarnation: incarnation)
    }

    /// An enable is about to be given to the driver.
    mutating func begin(_ system: SystemSource) {
        (source, incarnation, isUnderWay) = (system, nil, true)
        changes += 1
    }

    /// An enable has come to its end.
    ///
    /// - Parameter isOthers: somebody else had enabled it before.
    mutating func end(_ view: HypervisorView, isOthers: Bool) {
        isUnderWay = false
        if isOthers { forget() } else { take(view) }
    }

    /// Forgets it once the hypervisor is disabled.
    mutating func take(_ view: HypervisorView) {
        guard source != nil, !isUnderWay else { return }
        if view.lastLook.isComplete, !view.isEnabled { return forget() }
        guard incarnation == nil, let seen = view.enabledIncarnation else { return }
        incarnation = seen
        changes += 1
    }

    /// Has it forgotten if the hypervisor was enabled again since, by another program.
    ///
    /// - Returns: whether it is to be said that it is not known; once for each time.
    mutating func check(_ view: HypervisorView) -> Bool {
        let now = view.enabledIncarnation
        if let now, let incarnation, now != incarnation { forget() }
        guard source == nil, let now, said != now else { return false }
        said = now
        return true
    }

    private mutating func forget() {
        (source, incarnation) = (nil, nil)
        changes += 1
    }
}
