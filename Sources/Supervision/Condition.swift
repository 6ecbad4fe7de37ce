// SPDX-License-Identifier: Apache-2.0

/// The daemon's own word for how a cell is.
package enum Condition: String, CaseIterable, Hashable, Sendable, Codable {
    /// There is no such cell in the hypervisor.
    case absent
    /// It exists and has not been loaded yet.
    case created
    /// On its way to running: being created, loaded, started, or watched whether the start took effect.
    case starting
    case running
    /// It runs, but some of its CPUs have failed.
    case degraded
    /// It has been asked to shut down, or is being destroyed.
    case stopping
    /// It was shut down, or shut itself down.
    case stopped
    /// It failed, and nothing will be done about it unless somebody asks.
    case failed
    /// It failed, and waits to be restarted.
    case backingOff = "backing-off"
    /// It failed more often than its limit allows.
    case gaveUp = "gave-up"
    /// It exists, but no usable definition names it: it is shown and never touched.
    case foreign
}
