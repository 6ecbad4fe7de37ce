// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import CellDefinition
import Hypervisor
import Supervision

/// The pulses of all cells in which a Linux for Arm64 runs.
struct GuestPulses {
    /// Each of one life: an earlier one's says nothing of it.
    private var pulses: [String: (since: Moment?, pulse: GuestPulse)] = [:]
    private var next: Moment?

    /// What that of a cell tells; nil: nothing out of the way.
    func hint(of name: String) -> GuestPulse.Hint? { pulses[name]?.pulse.hint }

    /// Reads what is due: a file for each CPU.
    mutating func look(_ fleet: Fleet, _ book: CellBook, _ view: HypervisorView, at now: Moment) {
        if let next, now < next { return }
        next = now + .seconds(1)
        for (name, cell) in book.cells where cell.definition?.isLinux == true {
            guard cell.definition?.descriptor.architecture == .arm64, let lifecycle = fleet.cells[name]?.lifecycle,
                lifecycle.isUp, let observation = lifecycle.sighting?.observation
            else {
                if pulses[name] != nil { pulses[name] = nil }
                continue
            }
            var pulse = GuestPulse()
            if let known = pulses[name], known.since == lifecycle.upSince {
                pulse = known.pulse
            } else {
                pulses[name] = nil
            }
            guard pulse.isDue(at: now) else { continue }
            pulse.take(view.exitsByCPU(ofCell: observation.id), at: now)
            pulses[name] = (lifecycle.upSince, pulse)
        }
        guard pulses.keys.contains(where: { book[$0]?.definition?.isLinux != true }) else { return }
        pulses = pulses.filter { book[$0.key]?.definition?.isLinux == true }
    }
}

extension GuestPulse.Hint {
    /// A sentence.
    var text: String {
        switch self {
        case .beatsAlone(let cpu, let exits):
            "for 10 s CPU \(cpu) has made \(exits) VM exits a second and the others none, as after a panic or a poweroff of Linux; its "
                + "console tells"
        case .standsStill:
            "for 10 s none of its CPUs has made a VM exit, as after a halt, or a reboot, of Linux; its console tells"
        }
    }
}
