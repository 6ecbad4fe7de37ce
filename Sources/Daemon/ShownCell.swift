// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import JailhouseInterface
import Supervision

/// A cell as clients see it: all that is known of it.
struct ShownCell {
    private(set) var managed: ManagedCell
    let lifecycle: CellLifecycle
    private let waitsFor: WaitReason?
    private let isReadingImages: Bool
    /// The CPUs that the hypervisor gave it; empty while it does not exist.
    private let assignedCPUs: [Int]

    /// - Parameter cell: nil for one that is only known by a definition that cannot be used.
    init(_ managed: ManagedCell, _ cell: FleetCell?, assignedCPUs: [Int]) {
        self.managed = managed
        lifecycle = cell?.lifecycle ?? CellLifecycle(nil, at: Clock.now())
        waitsFor = cell?.waitsFor
        isReadingImages = cell?.isReadingImages ?? false
        self.assignedCPUs = assignedCPUs
    }

    /// The cell as it was, with what has been found out about it since.
    func with(_ managed: ManagedCell?) -> ShownCell {
        var cell = self
        if let managed { cell.managed = managed }
        return cell
    }

    var definition: CellDefinition? { managed.definition }
    var cpus: [Int] { assignedCPUs.isEmpty ? definition?.descriptor.cpus.members ?? [] : assignedCPUs }

    /// Whether the cell that exists was created with another configuration than its definition has.
    var isOutdated: Bool { managed.isOutdated && lifecycle.sighting?.observation != nil }

    var problem: String? {
        if let problem = managed.problem { return problem }
        if let waitsFor { return "it \(waitsFor)" }
        if isReadingImages { return "its images are being read" }
        if let unheard { return unheard }
        guard isOutdated else { return nil }
        return "its configuration has changed; it takes effect when the cell is destroyed and created again"
    }

    /// A rule that nobody follows.
    private var unheard: String? {
        guard let rule = lifecycle.supervised?.policy.liveness, let since = lifecycle.unheardSince,
            Clock.now() - since >= max(rule.afterStart, .seconds(5))
        else { return nil }
        let check = definition?.liveness
        switch check?.kind {
        case .console where check?.file != nil, .heartbeat, .probe, .command:
            return """
                nobody looks for its signs of life, so its silence would not be noticed: systemctl start \
                jailhouse-check@\(managed.name)
                """
        case .console:
            return "its console cannot be read, so its silence would not be noticed: see jailhouse-ctl console"
        case .exits, .external, nil: return nil
        }
    }

    var accepted: [String]? {
        guard let reasons = definition?.acceptedReasons, !reasons.isEmpty else { return nil }
        return reasons
    }
}
