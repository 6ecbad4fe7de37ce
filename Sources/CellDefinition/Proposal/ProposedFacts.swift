// SPDX-License-Identifier: Apache-2.0

import CellConfiguration
import InmateImage

// What proposals take from a system and an image.

extension SystemDescriptor {
    /// The keys of a proposed cell by which it is for this system's processors. What the system's file does not say is not
    /// said of the cell, either.
    var architectureLines: [String] {
        guard rootCell.isArchitectureGuessed, !revision.hasArchitecture else {
            return ["architecture = \"\(architecture.name)\""]
        }
        return [
            "# The system's file does not say its architecture; by its contents a guess: \(architecture.name).",
            "revision = \(revision.rawValue)",
        ] + (format == revision.standard ? [] : ["variant = \"\(format.rawValue)\""])
    }
}

extension ImageProfile {
    /// Where a program with the library of Jailhouse's own inmates looks for the communication region; nil for another one,
    /// also for one that is there itself.
    func regionOfUpstream(_ architecture: Architecture) -> UInt64? {
        let place: UInt64 = architecture == .x86 ? 0x10_0000 : 0x8000_0000
        let isThere = parts.contains { $0.start < place + FreeMemory.pageSize && place < $0.end }
        return isUpstreamInmate && !isThere ? place : nil
    }
}
